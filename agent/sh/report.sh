# ---- The report: each system prints its readings, a line each; what is shared turns them into JSON.
#
#   ticks USER NICE SYSTEM IDLE IOWAIT …        earlier, then now; - for what is not counted; or  cpu USAGE [IOWAIT]  in percent
#   memory TOTAL AVAILABLE, swap TOTAL FREE     KiB
#   disk SIZE USED AVAIL MOUNT                  KiB; a line of `df -P -k` does as well
#   shared MOUNT                                its space is shared with others: what is not available is used
#   zfs DATASET MOUNT                           of each that is mounted, as in /proc/mounts; and what `zfs list -Hp` says of pools
#   network RX TX, load ONE FIVE FIFTEEN, os TEXT, hostname TEXT, kernel TEXT
#   warn TEXT, note TEXT, fail TEXT             told always; told to a person; told, and there is no report

readings() {
    recall
    case $system in
    FreeBSD) freebsd_readings ;;
    Darwin) macos_readings ;;
    *) linux_readings ;;
    esac
}

collect() { # prints the report as one line of JSON, without the key; fails if there can be none
    take_turn
    case $command in test | --missing) notes=yes ;; *) notes='' ;; esac
    readings | awk -v notes="$notes" "$report_awk"
}

report_awk='
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
function plain(s) { gsub(/[\001-\037]/, "?", s); return s } # as df does: no name steers a terminal
function json(s) { # what is not ASCII becomes "?", too, if it is no UTF-8
    s = plain(s); gsub(/["\\]/, "\\\\&", s)
    if (s !~ utf8) gsub(/[\200-\377]/, "?", s)
    return "\"" s "\""
}
function unescaped(s,   out, code) { # a space is \040 in /proc/mounts
    while (match(s, /\\[0-7][0-7][0-7]/)) {
        code = 64 * substr(s, RSTART + 1, 1) + 8 * substr(s, RSTART + 2, 1) + substr(s, RSTART + 3, 1)
        out = out substr(s, 1, RSTART - 1) sprintf("%c", code)
        s = substr(s, RSTART + RLENGTH)
    }
    return out s
}
function rest(words,   line) { line = $0; while (words-- > 0) sub(/^[^ ]* */, "", line); return line }
function note(what) { if (notes) say(what) }
function say(what) { print "agentmon-agent: " plain(unescaped(what)) | "cat >&2" }
function add(name, value) { report = report (report == "" ? "" : ",") "\"" name "\":" value }
function text(name,   s) {
    s = said[name]
    if (length(s) > 255) { s = substr(s, 1, 255); sub(/[\300-\377][\200-\277]*$/, "", s) } # no half a character
    if (s != "") add(name, json(s))
}

# user nice system idle iowait irq softirq steal, each since boot; one that steps back did nothing; a guest is within user
function ticks(   b, a, n, i, whole) {
    split(before, b); n = split(after, a)
    for (i = 1; i <= n && i <= 8; i++) { a[i] = a[i] > b[i] ? a[i] - b[i] : 0; whole += a[i] }
    usage = percent(whole - a[4] - a[5], whole)
    iowait = b[5] ~ /[0-9]/ ? percent(a[5], whole) : ""
}

function disk(size, used, avail, mount,   i) {
    if (size <= 0 || used + avail <= 0 || number_of(plain(mount))) return
    i = place(plain(mount))
    if (mounts[i] in shared) used = size - avail
    sizes[i] = size; useds[i] = used; avails[i] = avail
}
function place(mount) { # in the order of the table, whoever answers first
    if (!(mount in number)) { number[mount] = ++disks; mounts[disks] = mount }
    return number[mount]
}
function number_of(mount) { return (mount in number) && (number[mount] in sizes) ? number[mount] : 0 }
function characters(s) { return length(s) - (s ~ utf8 ? gsub(/[\200-\277]/, "", s) : 0) }

# Each pool of ZFS is one disk under its shortest mount, and so is each data set that can fill by itself: one with less
# room than its pool has. Only zfs knows of volumes and snapshots; without it a pool is the sum of what is mounted, and
# a data set without others, as in a container, is a disk like any other.
function pools(   i, d, p) {
    for (i = 1; i <= sets; i++) {
        p = set[i]; sub(/\/.*/, "", p); pool[i] = p
        if (!(d = number_of(set_mount[i]))) continue
        mounted[p] += useds[d]
        if (avails[d] > most[p]) most[p] = avails[d]
        if (set[i] == p) whole[p] = 1
    }
    for (p in pool_avail) most[p] = pool_avail[p]
    for (i = 1; i <= sets; i++) if ((d = number_of(set_mount[i])) && shares(d, pool[i]) && ++sharing[pool[i]] > 1) whole[pool[i]] = 1
    for (i = 1; i <= sets; i++) {
        p = pool[i]; d = number_of(set_mount[i])
        if (p in pool_used) whole[p] = 1
        else if (!noted[p]++) note("zfs does not say how full " p " is: its volumes and snapshots are not counted")
        if (!(p in whole) || (d ? !shares(d, p) : !(p in pool_used))) continue
        gone[d]
        if (!(p in home) || length(set_mount[i]) < length(home[p])) home[p] = set_mount[i]
    }
    for (i = 1; i <= sets; i++) if (pool[i] in home) {
        p = pool[i]
        d = place(home[p])
        useds[d] = (p in pool_used) ? pool_used[p] : mounted[p]
        avails[d] = most[p]; sizes[d] = useds[d] + avails[d]
        delete gone[d]; delete home[p]
    }
}
function shares(d, p) { return avails[d] >= 0.99 * most[p] } # the room of its pool, which changes while it is read

# What the receiver takes: 512 disks, 1024 characters each, 256 KiB in all. The fullest are kept.
function list_disks(   i, n, size, least, left, names, list) {
    for (i = 1; i <= disks; i++) {
        if (!(i in sizes) || (i in gone)) continue
        if (characters(mounts[i]) > 1024) { say(substr(mounts[i], 1, 80) "... is left out: its name is too long"); continue }
        item[i] = "{\"mount\":" json(mounts[i]) ",\"usage\":" percent(useds[i], useds[i] + avails[i]) ",\"size\":\"" \
            human(sizes[i]) "\",\"used\":\"" human(useds[i]) "\",\"avail\":\"" human(avails[i]) "\"}"
        n++; size += length(item[i]) + 1
    }
    for (; n > 512 || size > 255000; n--) {
        least = 0
        for (i = 1; i <= disks; i++) if ((i in item) && (!least || part(i) <= part(least))) least = i
        size -= length(item[least]) + 1
        delete item[least]
        if (++left <= 3) names = names ", " mounts[least]
    }
    if (left) say(left " disks, the least full ones, are left out, for a report holds no more" names (left > 3 ? ", ..." : ""))
    for (i = 1; i <= disks; i++) if (i in item) list = list (list == "" ? "" : ",") item[i]
    return "[" list "]"
}
function part(i) { return useds[i] / (useds[i] + avails[i]) }

BEGIN {
    t = "[\200-\277]"
    utf8 = "^([ -\177]|[\302-\337]" t "|\340[\240-\277]" t "|[\341-\354\356\357]" t t "|\355[\200-\237]" t \
        "|\360[\220-\277]" t t "|[\361-\363]" t t t "|\364[\200-\217]" t t ")*$"
}
split($0, f, "\t") == 3 && (f[2] f[3]) ~ /^[0-9]+$/ { pool_used[f[1]] = f[2] / 1024; pool_avail[f[1]] = f[3] / 1024; next }
match($0, / +[0-9]+ +-?[0-9]+ +-?[0-9]+ +[0-9-]+%? +\//) {
    split(substr($0, RSTART, RLENGTH - 1), f)
    disk(f[1], f[2], f[3], substr($0, RSTART + RLENGTH - 1)); next
}
$1 == "disk" { disk($2, $3, $4, rest(4)) }
$1 == "shared" { shared[plain(unescaped($2))] }
$1 == "place" { place(plain(unescaped($2))) }
$1 == "zfs" { set[++sets] = unescaped($2); set_mount[sets] = plain(unescaped($3)) }
$1 == "ticks" { before = after; after = rest(1) }
$1 == "cpu" { usage = percent($2, 100); iowait = NF > 2 ? percent($3, 100) : "" }
$1 ~ /^(memory|swap|network|load)$/ { first[$1] = $2; second[$1] = $3; third[$1] = $4 }
$1 ~ /^(os|hostname|kernel)$/ { said[$1] = rest(1) }
$1 == "warn" { say(rest(1)) }
$1 == "note" { note(rest(1)) }
$1 == "fail" { say(rest(1)); failed = 1; exit }
END {
    if (after != "") ticks()
    if (!failed && usage == "") { say("this machine does not say how busy it is"); failed = 1 }
    if (!failed && first["memory"] <= 0) { say("this machine does not say how much memory it has"); failed = 1 }
    if (failed) exit 1
    add("cpu_usage", usage); if (iowait != "") add("cpu_iowait", iowait)
    add("memory_usage", percent(first["memory"] - second["memory"], first["memory"]))
    add("memory_total_mb", sprintf("%.0f", int(first["memory"] / 1024)))
    if (first["swap"] > 0) add("swap_usage", percent(first["swap"] - second["swap"], first["swap"]))
    pools(); add("disk_usage", list_disks())
    if (second["network"] != "") {
        add("network_rx_bytes", sprintf("%.0f", first["network"])); add("network_tx_bytes", sprintf("%.0f", second["network"]))
    }
    if (third["load"] != "") { add("load_1m", first["load"]); add("load_5m", second["load"]); add("load_15m", third["load"]) }
    text("os"); text("hostname"); text("kernel")
    print "{" report "}"
}'
