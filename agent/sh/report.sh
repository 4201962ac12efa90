# ---- The report.

mounts() { # file systems on a device, zfs, and "/" whatever holds it; no memory, and no images, which are always full
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

disks() { # what df says of them: a dead one is given five seconds, a file (in containers) is none
    set --
    while IFS= read -r mount; do
        case $mount in *\\*) mount=$(printf '%b' "$mount") ;; esac # a space is \040
        if [ -d "$mount" ]; then set -- "$@" "$mount"; fi
    done <<EOF
$(mounts)
EOF
    [ $# -eq 0 ] || ${limit:+timeout 5} df -P -k -- "$@"
}

collect() { # prints the report as one line of JSON, without the key; takes a second
    [ -r /proc/stat ] || fail 1 "there is no /proc/stat: this agent is for Linux, see \`agentmon agent\` elsewhere"
    # A card has a device. One that works for a master with a device of its own is counted there (cloud VMs).
    cards=' '
    for dir in /sys/class/net/*; do
        if [ -e "$dir/device" ] && [ ! -e "$dir/master/device" ]; then cards="$cards${dir##*/} "; fi
    done
    read -r before </proc/stat
    sleep 1
    read -r after </proc/stat
    os=$(exec 2>/dev/null && . /etc/os-release && printf '%s' "${PRETTY_NAME:-}") # made to be read by a shell
    disks 2>/dev/null | os=$os awk -v cards="$cards" -v before="$before" -v after="$after" '
    function first(file,   line) { line = ""; getline line < file; close(file); return line }
    function ceil(x) { return int(x) < x ? int(x) + 1 : int(x) }
    function percent(part, whole,   p) {
        p = whole > 0 ? 100 * part / whole : 0
        return sprintf("%.1f", p < 0 ? 0 : p > 100 ? 100 : p)
    }
    function human(kib,   unit) { # as df -h: powers of 1024, rounded up
        if (kib <= 0) return "0"
        for (unit = 1; ceil(kib) >= 1024; unit++) kib /= 1024
        return (ceil(kib * 10) < 100 ? sprintf("%.1f", ceil(kib * 10) / 10) : ceil(kib)) substr("KMGTPE", unit, 1)
    }
    function json(s) { # control characters become "?", as in df, and so does all that is not ASCII if it is no UTF-8
        gsub(/[\001-\037]/, "?", s); gsub(/["\\]/, "\\\\&", s)
        if (s !~ utf8) gsub(/[\200-\377]/, "?", s)
        return "\"" s "\""
    }
    function add(name, value) { report = report (report == "" ? "" : ",") "\"" name "\":" value }
    function text(name, value) { if (value != "") add(name, json(substr(value, 1, 255))) }

    function cpu(   b, a, i, all, idle, iowait) { # user nice system idle iowait irq softirq steal; guest is within user
        split(before, b); split(after, a)
        for (i = 2; i <= 9; i++) all += a[i] - b[i]
        idle = a[5] > b[5] ? a[5] - b[5] : 0
        iowait = a[6] > b[6] ? a[6] - b[6] : 0
        add("cpu_usage", percent(all - idle - iowait, all)); add("cpu_iowait", percent(iowait, all))
    }
    function memory(   line, f, m, free) {
        while ((getline line < "/proc/meminfo") > 0) { split(line, f); m[f[1]] = f[2] }
        free = "MemAvailable:" in m ? m["MemAvailable:"] : m["MemFree:"] + m["Buffers:"] + m["Cached:"]
        add("memory_usage", percent(m["MemTotal:"] - free, m["MemTotal:"]))
        add("memory_total_mb", sprintf("%.0f", int(m["MemTotal:"] / 1024)))
        if (m["SwapTotal:"] > 0) add("swap_usage", percent(m["SwapTotal:"] - m["SwapFree:"], m["SwapTotal:"]))
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
        if (seen) { add("network_rx_bytes", sprintf("%.0f", rx)); add("network_tx_bytes", sprintf("%.0f", tx)) }
    }
    BEGIN {
        t = "[\200-\277]"
        utf8 = "^([ -\177]|[\302-\337]" t "|\340[\240-\277]" t "|[\341-\354\356\357]" t t "|\355[\200-\237]" t \
            "|\360[\220-\277]" t t "|[\361-\363]" t t t "|\364[\200-\217]" t t ")*$"
    }
    match($0, / +[0-9]+ +-?[0-9]+ +-?[0-9]+ +[0-9-]+%? +\//) {
        split(substr($0, RSTART, RLENGTH - 1), f)
        mount = substr($0, RSTART + RLENGTH - 1)
        if (f[1] <= 0 || f[2] + f[3] <= 0 || seen[mount]++) next
        items = items (items ? "," : "") "{\"mount\":" json(mount) ",\"usage\":" percent(f[2], f[2] + f[3])
        items = items ",\"size\":\"" human(f[1]) "\",\"used\":\"" human(f[2]) "\",\"avail\":\"" human(f[3]) "\"}"
    }
    END {
        cpu(); memory(); add("disk_usage", "[" items "]"); network()
        if (split(first("/proc/loadavg"), f) >= 3) { add("load_1m", f[1]); add("load_5m", f[2]); add("load_15m", f[3]) }
        text("os", ENVIRON["os"] == "" ? "Linux" : ENVIRON["os"])
        text("hostname", first("/proc/sys/kernel/hostname")); text("kernel", first("/proc/sys/kernel/osrelease"))
        print "{" report "}"
    }'
}

