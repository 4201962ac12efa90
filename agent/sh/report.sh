# ---- The report: each system prints its readings, a line each; what is shared turns them into JSON.
#
#   ticks cpu USER NICE SYSTEM IDLE IOWAIT …    before, then after; or  cpu USAGE [IOWAIT]  in percent
#   memory TOTAL AVAILABLE, swap TOTAL FREE     KiB
#   disk SIZE USED AVAIL MOUNT                  KiB; a line of `df -P -k` does as well
#   network RX TX, load ONE FIVE FIFTEEN, os TEXT, hostname TEXT, kernel TEXT

readings() {
    case $(uname -s 2>/dev/null) in
    *) linux_readings ;;
    esac
}

collect() { # prints the report as one line of JSON, without the key; takes a second
    [ -r /proc/stat ] || fail 1 "there is no /proc/stat: this agent is for Linux, see \`agentmon agent\` elsewhere"
    readings | awk '
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
    function rest(line, words) { while (words-- > 0) sub(/^[^ ]* */, "", line); return line }
    function text(name) { if (name in said) add(name, json(substr(said[name], 1, 255))) }

    function cpu(   b, a, i, all, idle, iowait) { # user nice system idle iowait irq softirq steal; guest is within user
        split(before, b); split(after, a)
        for (i = 2; i <= 9; i++) all += a[i] - b[i]
        idle = a[5] > b[5] ? a[5] - b[5] : 0
        iowait = a[6] > b[6] ? a[6] - b[6] : 0
        add("cpu_usage", percent(all - idle - iowait, all)); add("cpu_iowait", percent(iowait, all))
    }
    function disk(size, used, avail, mount) {
        if (size <= 0 || used + avail <= 0 || seen[mount]++) return
        items = items (items ? "," : "") "{\"mount\":" json(mount) ",\"usage\":" percent(used, used + avail)
        items = items ",\"size\":\"" human(size) "\",\"used\":\"" human(used) "\",\"avail\":\"" human(avail) "\"}"
    }
    BEGIN {
        t = "[\200-\277]"
        utf8 = "^([ -\177]|[\302-\337]" t "|\340[\240-\277]" t "|[\341-\354\356\357]" t t "|\355[\200-\237]" t \
            "|\360[\220-\277]" t t "|[\361-\363]" t t t "|\364[\200-\217]" t t ")*$"
    }
    $1 == "ticks" { before = after; after = rest($0, 1); next }
    $1 == "cpu" { usage = percent($2, 100); iowait = NF > 2 ? percent($3, 100) : ""; next }
    $1 ~ /^(memory|swap|network|load)$/ { first[$1] = $2; second[$1] = $3; third[$1] = $4; next }
    $1 ~ /^(os|hostname|kernel)$/ { if (NF > 1) said[$1] = rest($0, 1); next }
    $1 == "disk" { disk($2, $3, $4, rest($0, 4)); next }
    match($0, / +[0-9]+ +-?[0-9]+ +-?[0-9]+ +[0-9-]+%? +\//) {
        split(substr($0, RSTART, RLENGTH - 1), f)
        disk(f[1], f[2], f[3], substr($0, RSTART + RLENGTH - 1))
    }
    END {
        if (after != "") cpu(); else { add("cpu_usage", usage); if (iowait != "") add("cpu_iowait", iowait) }
        add("memory_usage", percent(first["memory"] - second["memory"], first["memory"]))
        add("memory_total_mb", sprintf("%.0f", int(first["memory"] / 1024)))
        if (first["swap"] > 0) add("swap_usage", percent(first["swap"] - second["swap"], first["swap"]))
        add("disk_usage", "[" items "]")
        if ("network" in first) {
            add("network_rx_bytes", sprintf("%.0f", first["network"]))
            add("network_tx_bytes", sprintf("%.0f", second["network"]))
        }
        if (third["load"] != "") {
            add("load_1m", first["load"]); add("load_5m", second["load"]); add("load_15m", third["load"])
        }
        text("os"); text("hostname"); text("kernel")
        print "{" report "}"
    }'
}
