#!/bin/busybox sh
# The guest's first process: the host's root, read-only over 9p, under a scratch layer; then the suites, then the end.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
# In the order of their dependencies as well as can be; what fails goes again.
for pass in 1 2 3; do
  for module in /modules/*.ko; do insmod "$module" 2>/dev/null; done
done
read -r suites here <places
mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose root /host || echo "VM no 9p"
mount -t tmpfs scratch /scratch -o size=1g
mkdir /scratch/upper /scratch/work
mount -t overlay overlay /root -o lowerdir=/host,upperdir=/scratch/upper,workdir=/scratch/work || echo "VM no overlay"
for place in proc sys dev; do mount --rbind "/$place" "/root/$place" || mount --bind "/$place" "/root/$place"; done
mount -t cgroup2 cgroup /root/sys/fs/cgroup
mount -t tracefs tracefs /root/sys/kernel/tracing
mount -t bpf bpf /root/sys/fs/bpf
mount -t securityfs securityfs /root/sys/kernel/security
mount -t tmpfs run /root/run
mkdir -p /root/dev/shm && mount -t tmpfs shm /root/dev/shm
ip link set lo up
dmesg -c >/dev/null
echo "VM kernel $(uname -r) lockdown $(cat /root/sys/kernel/security/lockdown 2>/dev/null)"
chroot /root /bin/bash "$here/guest.sh" "$suites" </dev/null 2>&1
echo "VM dmesg"
dmesg | grep -E 'BUG|WARNING|Call Trace|Oops|general protection|RIP:'
echo "VM end"
poweroff -f
