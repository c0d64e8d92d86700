#!/usr/bin/env bash
# guest.sh SUITES: runs each test binary of the list SUITES in the guest, and says on lines that start with VM how each
# of its tests fared (report.py reads them).
export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ulimit -n 65536
while read -r suite; do
  name=${suite##*/}
  echo "VM suite $name"
  timeout 500 "$suite" --gtest_color=no 2>&1 | tee /tmp/suite.log | grep -E '^\[ +(OK|FAILED|SKIPPED) +\] [A-Za-z]' |
    sed -E 's/ \([0-9]+ ms\)//; s/, where .*//; s/^\[ +([A-Z]+) +\] /VM test \1 /'
  status=${PIPESTATUS[0]}
  (( status == 0 )) || { echo "VM status $name $status"; grep -B12 -A3 'FAILED  \]' /tmp/suite.log | head -n 60; }
  grep -A2 'Skipped$' /tmp/suite.log | sed 's/^/VM note /' | head -n 20
done <"$1"
