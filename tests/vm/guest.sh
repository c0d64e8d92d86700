#!/usr/bin/env bash
# The guest's first process after init.sh. /run/vm is a folder of the host's: there lie the list of suites, the host's
# PATH, the mode, and the names of two programs; there go the log of each suite, the scrapes of a known scene, and the
# kernel's log. What the host waits for is said on lines that start with VM.
export BPFTALLY_GUEST=1 HOME=/root
cd /run/vm || echo "VM no results over 9p"
{ read -r PATH; read -r mode bpftally scene; } <guest.conf
export PATH
export BPFTALLY_TEST_PATIENCE=8
never='*AMillionEntries*'  # minutes here, and no kernel matters to it
ulimit -n 65536
dmesg -C
lockdown=$(sed -E 's/.*\[(.*)\].*/\1/' /sys/kernel/security/lockdown 2>/dev/null)
possible=$(( $(sed -E 's/.*-//' /sys/devices/system/cpu/possible) + 1 ))
online=$(grep -c ^processor /proc/cpuinfo)
echo "VM kernel $(uname -r) lockdown $lockdown cpus $online of $possible"
case "$mode" in
  possible-cpus) (( possible > online )) || echo "VM no more possible CPUs than online" ;;
  *) [[ "$lockdown" == "$mode" ]] || echo "VM no lockdown $mode" ;;
esac

while read -r suite pattern binary; do
  echo "VM suite $suite"
  timeout -k 10 500 "$binary" --gtest_color=no "--gtest_filter=$pattern-$never" >"$suite.suite.log" 2>&1 </dev/null
  echo "VM status $suite $?"
done <suites

if [[ -n "$scene" ]]; then
  for source in auto iterator syscall; do
    timeout -k 10 200 "$scene" "$bpftally" metrics "--source=$source" --run-stats \
      --collector.program-maps --programs=execs >"metrics.$source" 2>"metrics.$source.log"
  done
  timeout -k 10 200 "$bpftally" programs >programs.txt 2>&1
fi
dmesg >dmesg
echo "VM end"
busybox poweroff -f
