#!/bin/busybox sh
# shellcheck shell=dash
# The guest's first process: the host's root, read-only over 9p, under a layer on a disk of its own; beside it /run/vm,
# the guest's folder on the host, writable. Then that root is made the real one (in a chroot nobody may make user
# namespaces), and /run/vm/guest.sh goes on as the first process.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
# In the order of their dependencies as well as can be; what fails goes again.
for _ in 1 2 3; do
  for module in /modules/*.ko; do insmod "$module" 2>/dev/null; done
done
plan9=trans=virtio,version=9p2000.L,msize=262144
mount -t 9p -o "ro,cache=loose,$plan9" root /host || echo "VM no root over 9p"
mount -t ext4 /dev/vda /scratch || echo "VM no disk"
mkdir /scratch/upper /scratch/work
mount -t overlay overlay /root -o lowerdir=/host,upperdir=/scratch/upper,workdir=/scratch/work || echo "VM no overlay"
for place in proc sys dev; do mount --move "/$place" "/root/$place"; done
mount -t cgroup2 cgroup /root/sys/fs/cgroup
echo '+cpu +memory' >/root/sys/fs/cgroup/cgroup.subtree_control
mount -t tracefs tracefs /root/sys/kernel/tracing
mount -t bpf bpf /root/sys/fs/bpf
mount -t securityfs securityfs /root/sys/kernel/security
mkdir -p /root/dev/shm /root/dev/pts
mount -t tmpfs shm /root/dev/shm
mount -t devpts devpts /root/dev/pts
mount -t tmpfs run /root/run
mkdir /root/run/vm
mount -t 9p -o "cache=none,$plan9" results /root/run/vm || echo "VM no results over 9p"
ip link set lo up
exec switch_root /root /bin/bash /run/vm/guest.sh
