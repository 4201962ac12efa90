# ---- Linux: what /proc and /sys/class say.

linux_ticks() { read -r _ ticks </proc/stat; }

# A card has a device. Its bytes are counted elsewhere if it works for a master with a device of its own (in cloud VMs), is
# a port of a switch whose conduit has one (OpenWrt), or the end of a virtual machine's card (Xen).
linux_cards() { # sets cards, and where there are none (containers) inner: those whose bytes others count as well
    cards=' ' inner=' '
    for dir in /sys/class/net/*; do
        card=${dir##*/}
        if [ ! -e "$dir/device" ] || [ -e "$dir/master/device" ]; then continue; fi
        for lower in "$dir"/lower_*; do [ ! -e "/sys/class/net/${lower##*/lower_}/dsa" ] || card=vif; done
        case $card in vif*) ;; *) cards="$cards$card " ;; esac
    done
    [ "$cards" = ' ' ] || return 0
    for dir in /sys/class/net/*; do
        for sign in "$dir"/bridge "$dir"/lower_* "$dir"/master/bridge; do
            [ ! -e "$sign" ] || case ${dir##*/} in e[nt]*) ;; *) inner="$inner${dir##*/} " ;; esac
        done
    done
}

linux_readings() {
    if [ ! -r /proc/stat ]; then
        echo 'fail there is no /proc/stat: this agent is for Linux, macOS and FreeBSD; see `agentmon agent` elsewhere'
        return
    fi
    measure_cpu linux_ticks
    linux_cards
    ask_all "$(awk -v cards="$cards" -v inner="$inner" "$linux_awk")"
}

linux_awk='
function first(file,   line) { getline line < file; close(file); return line }

# As `free` does: what the kernel says is available, or what it would say, and what the cache of ZFS can give back.
function memory(   line, f, m, free) {
    while ((getline line < "/proc/meminfo") > 0) { split(line, f); m[f[1]] = f[2] }
    free = m["MemAvailable:"]
    if (free <= 0) {
        free = m["MemFree:"] + m["SReclaimable:"]
        if (("Active(file):" in m) && ("Inactive(file):" in m)) free += m["Active(file):"] + m["Inactive(file):"]
        else free += m["Buffers:"] + m["Cached:"] - m["Shmem:"]
    }
    if (free > m["MemTotal:"]) free = m["MemFree:"]
    free = (free > 0 ? free : 0) + zfs_cache()
    if (free > m["MemTotal:"]) free = m["MemTotal:"]
    printf "memory %.0f %.0f\nswap %.0f %.0f\n", m["MemTotal:"], free, m["SwapTotal:"], m["SwapFree:"]
}
function zfs_cache(   line, f, bytes) { # KiB beyond its least size; in a container it is the cache of the host
    while ((getline line < "/proc/spl/kstat/zfs/arcstats") > 0)
        if (split(line, f) == 3 && f[3] ~ /^[0-9]+$/) bytes[f[1]] = f[3]
    if (lxcfs || !("size" in bytes) || !("c_min" in bytes) || bytes["size"] + 0 < bytes["c_min"] + 0) return 0
    return (bytes["size"] - bytes["c_min"]) / 1024
}

# Bytes since boot over the cards; without any, over all that is no loopback, bridge, bond, tunnel or end of a pair.
function network(   line, f, n, i, name, rx, tx, has_cards, seen, virtual) {
    virtual = "^(lo$|veth|br|docker|podman|virbr|vmbr|lxcbr|lxdbr|incusbr|xenbr|vnet|vif|tap|fw(br|pr|ln)|cni|cali|cilium|flannel" \
        "|lxc[_0-9]|vxlan|geneve|ovs|tun|wg|tailscale|zt|ifb|imq|dummy|sit|gre|erspan|ip6|ip_vti|ipvlan|macv|nlmon|bond|team|vlan|ppp)" \
        "|[.][0-9]+$"
    while ((getline line < "/proc/net/dev") > 0) {
        if (!sub(/:/, " ", line) || split(line, f) < 10) continue
        name[++n] = f[1]; rx[n] = f[2]; tx[n] = f[10]
        if (index(cards, " " f[1] " ")) has_cards = 1
    }
    for (i = 1; i <= n; i++) {
        if (has_cards ? !index(cards, " " name[i] " ") : name[i] ~ virtual || index(inner, " " name[i] " ")) continue
        rx[0] += rx[i]; tx[0] += tx[i]; seen = 1
    }
    if (seen) printf "network %.0f %.0f\n", rx[0], tx[0]
}

# os-release is read as its page says, and not run; Synology has a file of its own.
function settings_of(file, into,   line, key, n) {
    while ((getline line < file) > 0) {
        sub(/\r$/, "", line)
        sub(/[ \t]+$/, "", line); sub(/^[ \t]+/, "", line)
        if (line !~ /^[A-Za-z_][A-Za-z0-9_]*=("([^"\\]|\\.)*"|\047[^\047]*\047|[^ \t"\047]*)$/) continue
        key = line; sub(/=.*/, "", key)
        into[key] = unquoted(substr(line, length(key) + 2)); n++
    }
    return n
}
function unquoted(s,   q, out) {
    q = substr(s, 1, 1)
    if (q == "\"" || q == "\047") s = substr(s, 2, length(s) - 2)
    while (q != "\047" && match(s, /\\[\\$"`\047]/)) {
        out = out substr(s, 1, RSTART - 1) substr(s, RSTART + 1, 1)
        s = substr(s, RSTART + 2)
    }
    return out s
}
function system_name(   os, dsm) {
    if (settings_of("/etc.defaults/VERSION", dsm) && dsm["productversion"] != "")
        return "Synology " (dsm["os_name"] == "" ? "DSM" : dsm["os_name"]) " " dsm["productversion"]
    if (!settings_of("/etc/os-release", os)) settings_of("/usr/lib/os-release", os)
    if (os["PRETTY_NAME"] != "") return os["PRETTY_NAME"]
    if (os["NAME"] != "") return os["NAME"] (os["VERSION"] == "" ? "" : " " os["VERSION"])
    return "Linux"
}

# Which mounts are disks, and of each disk the one that df would name.
function read_mounts(   line, f, g) {
    while ((getline line < "/proc/filesystems") > 0) if (split(line, f) == 1) on_device[f[1]]
    while ((getline line < "/proc/self/mountinfo") > 0) {
        split(line, f); folder[f[5]] = f[4]
        sub(/.* - /, "", line); split(line, g); whole[f[5]] = g[3] # in a unit each mount may be read-only, by itself
    }
    while ((getline line < "/proc/mounts") > 0) {
        split(line, f); n++; device[n] = f[1]; point[n] = f[2]; type[n] = f[3]
        read_only[n] = (f[2] in whole ? whole[f[2]] : f[4]) ~ /^ro(,|$)/
        if (f[3] == "autofs" && f[4] ~ /(^|,)timeout=0*[1-9]/) idle[f[2]]
        if (f[3] == "fuse.lxcfs" && f[2] ~ /\/meminfo$/) lxcfs = 1
    }
}
function below(path, points) { # whether it is one of them or lies in one; all lies in /, which hides nothing
    for (; path ~ "^/"; sub("/[^/]*$", "", path)) if (path in points) return 1
    return 0
}
function is_disk(i,   t) { # no images, which are always full, no memory, nothing of other machines
    t = type[i]
    if (t ~ /^(squashfs|erofs|cramfs|romfs|iso9660|udf|tmpfs|ramfs|rootfs|devtmpfs)$/) return 0
    if (read_only[i] && (device[i] ~ /^\/dev\/loop/ || t ~ /^(overlay|composefs|aufs)$/)) return 0
    if (t == "zfs" && (device[i] ~ /@/ || point[i] ~ /\/\.zfs\/snapshot\//)) return 0
    if ((t in on_device) || t ~ known) return 1
    return point[i] == "/" && !read_only[i] && t !~ /^(nfs|cifs|smb|ceph|glusterfs|lustre|afs|coda)/
}
function better(a, b) {
    if (read_only[a] != read_only[b]) return read_only[b]
    if (is_bind(a) != is_bind(b)) return is_bind(b)
    if (size_of(point[a]) != size_of(point[b])) return size_of(point[a]) < size_of(point[b])
    return a < b
}
function is_bind(i) { # of a folder of the disk; a subvolume of btrfs looks alike, and is the disk
    return type[i] != "btrfs" && point[i] != "/" && (point[i] in folder) && folder[point[i]] != "/"
}
function size_of(name) { return length(name) - 3 * gsub(/\\[0-7][0-7][0-7]/, "&", name) } # without the escapes

function choose_mounts(   i, d, later) {
    known = "^(ext[234]|xfs|btrfs|zfs|bcachefs|f2fs|jfs|nilfs2|reiserfs|reiser4|ocfs2|gfs2|ubifs|jffs2" \
        "|vfat|msdos|exfat|ntfs3?|fuseblk|hfs|hfsplus|apfs|ufs)$"
    for (i = n; i; i--) { hidden[i] = below(point[i], later); later[point[i]] }
    for (i = 1; i <= n; i++) {
        d = device[i]
        if (hidden[i] || !is_disk(i)) continue
        if (below(point[i], idle)) { if (!(d in asleep)) asleep[d] = point[i]; continue }
        if (!count[d]++) disk[++disks] = d
        member[d, count[d]] = i
    }
}
function in_order(d,   k, j, m, best, line) { # its mounts, the best first; sixteen of them will do
    for (k = 1; k <= 16 && k <= count[d]; k++) {
        best = 0
        for (j = 1; j <= count[d]; j++) { m = member[d, j]; if (!taken[m] && (!best || better(m, best))) best = m }
        taken[best] = 1
        line = line (k > 1 ? " " : "") point[best]
        if (k == 1) top[d] = best
    }
    return line
}
function print_disks(   i, d, line, size) {
    for (d in asleep) if (!count[d]) print "note " asleep[d] " is not asked: it would never be unmounted when idle (autofs)"
    for (i = 1; i <= disks; i++) {
        line = in_order(disk[i])
        at[top[disk[i]]] = line
        if (type[top[disk[i]]] == "zfs") print "zfs", disk[i], point[top[disk[i]]]
    }
    print "disks"
    for (i = 1; i <= n; i++) if ((i in at) && (size += length(at[i])) < 1000000) print at[i] # what exec takes
}

BEGIN {
    read_mounts(); choose_mounts(); memory(); network()
    print "load", first("/proc/loadavg")
    print "os", system_name()
    print "hostname", first("/proc/sys/kernel/hostname")
    print "kernel", first("/proc/sys/kernel/osrelease")
    print_disks()
}'
