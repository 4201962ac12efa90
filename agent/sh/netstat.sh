# ---- What macOS and FreeBSD share.

netstat_awk='
function escaped(name) { # as Linux writes it in /proc/mounts
    gsub(/\\/, "\\134", name); gsub(/ /, "\\040", name); gsub(/\t/, "\\011", name)
    return name
}
# Of `netstat -ibn` the lines of the cards themselves; a column before the packets may be missing, so it is counted from
# the right. A card that is down has a star.
$1 == "Name" && /Ibytes/ { for (i = 1; i <= NF; i++) { if ($i == "Ibytes") rx_at = NF - i; if ($i == "Obytes") tx_at = NF - i } }
$3 ~ /^<Link#/ && rx_at { sub(/[*]$/, "", $1); rx[$1] = $(NF - rx_at); tx[$1] = $(NF - tx_at) }
function total_traffic(virtual,   name, in_all, out_all, seen) {
    for (name in rx) if (name !~ virtual) { in_all += rx[name]; out_all += tx[name]; seen = 1 }
    if (!seen) for (name in rx) if (name ~ /^epair/) { in_all += rx[name]; out_all += tx[name]; seen = 1 } # a jail of its own
    if (seen) printf "network %.0f %.0f\n", in_all, out_all
}
'
