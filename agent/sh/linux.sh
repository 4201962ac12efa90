# ---- Linux.

linux_mounts() { # file systems on a device, zfs, and "/" whatever holds it; no memory, and no images (always full)
    awk '
    FILENAME ~ /filesystems/ { if (NF == 1) local[$1]; next }
    !($2 in device) { order[++n] = $2 }
    { device[$2] = $1; type[$2] = $3 } # mounted over another, the last one is seen
    END {
        local["zfs"]
        for (i = 1; i <= n; i++) {
            m = order[i]; d = device[m]
            if (type[m] ~ /^(squashfs|erofs|cramfs|romfs|iso9660|udf|tmpfs|ramfs|rootfs)$/) continue
            if (m != "/" && !(type[m] in local) || length(m) > 1024) continue
            if (!(d in best) || length(m) < length(best[d])) best[d] = m # mounted twice: the shortest
        }
        for (i = 1; i <= n && shown < 512; i++) if (best[device[order[i]]] == order[i] && ++shown) print order[i]
    }' /proc/filesystems /proc/mounts
}

linux_disks() { # what df says of them: a dead one is given five seconds, a file (in containers) is none
    set --
    while IFS= read -r mount; do
        case $mount in *\\*) mount=$(printf '%b' "$mount") ;; esac # a space is \040
        if [ -d "$mount" ]; then set -- "$@" "$mount"; fi
    done <<EOF
$(linux_mounts)
EOF
    [ $# -eq 0 ] || ${limit:+timeout 5} df -P -k -- "$@"
}

linux_readings() {
    # A card has a device. One that works for a master with a device of its own is counted there (cloud VMs).
    cards=' '
    for dir in /sys/class/net/*; do
        if [ -e "$dir/device" ] && [ ! -e "$dir/master/device" ]; then cards="$cards${dir##*/} "; fi
    done
    read -r before </proc/stat
    sleep 1
    read -r after </proc/stat
    printf 'ticks %s\nticks %s\n' "$before" "$after"
    os=$(exec 2>/dev/null && . /etc/os-release && printf '%s' "${PRETTY_NAME:-}") # made to be read by a shell
    printf 'os %s\n' "${os:-Linux}"
    awk -v cards="$cards" '
    function first(file,   line) { line = ""; getline line < file; close(file); return line }
    function memory(   line, f, m, free) {
        while ((getline line < "/proc/meminfo") > 0) { split(line, f); m[f[1]] = f[2] }
        free = "MemAvailable:" in m ? m["MemAvailable:"] : m["MemFree:"] + m["Buffers:"] + m["Cached:"]
        print "memory", m["MemTotal:"], free
        print "swap", m["SwapTotal:"], m["SwapFree:"]
    }
    # Bytes since boot over the cards; without any (containers), over all that is no loopback, bridge or tunnel.
    function network(   line, f, rx, tx, seen, virtual) {
        virtual = "^(lo$|veth|br|docker|virbr|vnet|cni|cali|flannel|tun|tap|wg|tailscale|zt|ifb|dummy|sit|gre|ip6tnl)"
        while ((getline line < "/proc/net/dev") > 0) {
            if (!sub(/:/, " ", line)) continue
            split(line, f)
            if (cards == " " ? f[1] ~ virtual : !index(cards, " " f[1] " ")) continue
            rx += f[2]; tx += f[10]; seen = 1
        }
        if (seen) printf "network %.0f %.0f\n", rx, tx
    }
    BEGIN {
        memory(); network()
        print "load", first("/proc/loadavg")
        print "hostname", first("/proc/sys/kernel/hostname")
        print "kernel", first("/proc/sys/kernel/osrelease")
    }'
    linux_disks 2>/dev/null
}
