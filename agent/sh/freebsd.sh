# ---- FreeBSD: what sysctl, swapinfo, mount and netstat say.

freebsd_ticks() { # user nice system idle iowait irq; FreeBSD counts user nice system interrupt idle
    # shellcheck disable=SC2046  # words are wanted
    set -- $(sysctl -n kern.cp_time)
    ticks="$1 $2 $3 $5 - $4"
}

freebsd_memory() { # what is free or inactive, and what the cache of ZFS can give back, is available
    size=$(sysctl -n kstat.zfs.misc.arcstats.size) least=$(sysctl -n kstat.zfs.misc.arcstats.c_min)
    printf '%s ' memory "$(sysctl -n hw.physmem)" "$(sysctl -n hw.pagesize)" "$(sysctl -n vm.stats.vm.v_free_count)" \
        "$(sysctl -n vm.stats.vm.v_inactive_count)" "${size:-0}" "${least:-0}"
    echo
} 2>/dev/null

freebsd_readings() {
    measure_cpu freebsd_ticks
    said="$(freebsd_memory)${nl}load $(sysctl -n vm.loadavg)"
    ask 4 swapinfo -k
    ask 4 netstat -ibn
    said=$said${nl}mounts
    ask 4 mount -p
    ask_all "$(printf '%s\n' "$said" | awk "$netstat_awk$freebsd_awk")"
    echo "os $(freebsd_name)"
    echo "hostname $(hostname)"
    echo "kernel $(uname -r)"
}

freebsd_name() {
    release=$(freebsd-version 2>/dev/null) || release=$(uname -r)
    echo "FreeBSD $release"
}

freebsd_awk='
$1 == "memory" {
    free = ($4 + $5) * $3
    if ($6 > $7) free += $6 - $7
    printf "memory %.0f %.0f\n", $2 / 1024, (free > $2 ? $2 : free) / 1024
}
$1 == "load" { print "load", $3, $4, $5 }
$1 ~ /^\/dev\// && !mounts && NF == 5 { swap += $2; swap_free += $4 } # the line Total, where there is one, says it again
$0 == "mounts" { mounts = 1; next }
# Between device, mount and type are tabs, or one space after what is long; each of them may hold spaces, too.
mounts && match($0, /[ \t]+(ufs|zfs|msdosfs|ext2fs)\t/) {
    type = substr($0, RSTART, RLENGTH); gsub(/[ \t]/, "", type)
    device = mount = substr($0, 1, RSTART - 1)
    if (!sub(/\t.*/, "", device)) sub(/ \/.*/, "", device)
    mount = substr(mount, length(device) + 1); sub(/^[ \t]+/, "", mount)
    if (device ~ /^\/dev\/md|@/) next # a disk in memory, a snapshot
    if (type == "zfs") datasets = datasets "zfs " escaped(device) " " escaped(mount) "\n"
    if (device in seen) next
    seen[device]
    disks = disks escaped(mount) "\n"
}
END {
    if (swap > 0) printf "swap %.0f %.0f\n", swap, swap_free
    total_traffic("^(lo|lagg|vlan|bridge|tap|tun|epair|wg|ovpn|enc|pflog|pfsync|gif|gre|stf|ng|ipfw|usbus|vm-|vnet|carp)|[.]")
    printf "%sdisks\n%s", datasets, disks
}'
