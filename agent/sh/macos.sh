# ---- macOS: what top, vm_stat, sysctl, mount and netstat say.

macos_readings() {
    said="memsize $(sysctl -n hw.memsize)${nl}swap $(sysctl -n vm.swapusage)${nl}load $(sysctl -n vm.loadavg)"
    ask 4 top -l 2 -n 0 -s 1 # the first sample is since boot
    ask 4 vm_stat
    ask 4 netstat -ibn
    said=$said${nl}mounts
    ask 4 mount
    ask_all "$(printf '%s\n' "$said" | awk "$netstat_awk$macos_awk")"
    echo "os $(sw_vers -productName) $(sw_vers -productVersion)"
    echo "hostname $(hostname)"
    echo "kernel $(uname -r)"
} 2>/dev/null

macos_awk='
function amount(word) { # 512.00M in KiB
    return word * (word ~ /G$/ ? 1048576 : word ~ /M$/ ? 1024 : word ~ /K$/ ? 1 : 1 / 1024)
}
function value_after(word,   i) { for (i = 1; i < NF; i++) if ($i == word) return $(i + 2); return 0 }

/^CPU usage:/ { busy = $3 + $5; measured = 1 }
$1 == "memsize" { total = $2 }
/page size of/ { for (i = 1; i < NF; i++) if ($i == "of") page = $(i + 1) }
/^(Pages|Anonymous pages).*:/ { name = $0; sub(/:.*/, "", name); pages[name] = $NF + 0 }
$1 == "swap" { swap = amount(value_after("total")); swap_free = swap - amount(value_after("used")) }
$1 == "load" { print "load", $3, $4, $5 }
$0 == "mounts" { mounts = 1; next }
mounts && match($0, / on \//) { choose(substr($0, 1, RSTART - 1), substr($0, RSTART + 4)) }

# The volumes of one APFS container share its space, so it is one disk, under its shortest mount. No disks of a person
# are: system volumes and what the Finder hides (nobrowse), images (read-only), snapshots, and the shares of others.
function choose(device, rest,   i, mount, options, type) {
    for (i = length(rest); i && substr(rest, i, 2) != " ("; i--) ;
    mount = substr(rest, 1, i - 1)
    options = ", " substr(rest, i + 2, length(rest) - i - 2) ", "
    type = options; sub(/^, /, "", type); sub(/,.*/, "", type)
    if (type !~ /^(apfs|hfs|msdos|exfat|ntfs|ufs|zfs)$/ || options !~ /, local, / || device !~ /^(\/dev\/)?[^@]*$/) return
    if (mount != "/" && (options ~ /, (nobrowse|read-only), / || mount ~ /^\/(System|private)\/|\/[.]timemachine/)) return
    if (type == "zfs") { print "zfs", escaped(device), escaped(mount); order[++n] = device; home[device] = mount; return }
    if (type == "apfs") sub(/(s[0-9]+)+$/, "", device)
    if (!(device in home)) order[++n] = device
    else if (length(home[device]) <= length(mount)) return
    home[device] = mount; container[device] = type == "apfs"
}

END {
    if (measured) print "cpu", busy
    used = pages["Anonymous pages"] - pages["Pages purgeable"] + pages["Pages wired down"] + pages["Pages occupied by compressor"]
    if (page > 0 && used > 0) printf "memory %.0f %.0f\n", total / 1024, (total - used * page) / 1024
    if (swap > 0) printf "swap %.0f %.0f\n", swap, swap_free
    total_traffic("^[^e]|^e[^n]|^en[^0-9]")
    for (i = 1; i <= n; i++) if (container[order[i]]) print "shared", escaped(home[order[i]])
    print "disks"
    for (i = 1; i <= n; i++) print escaped(home[order[i]])
}'
