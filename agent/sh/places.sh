# ---- Where things lie: OpenWrt's upgrades keep what is listed, Unraid keeps only /boot, FreeBSD has /etc/cron.d.

forgets_users='' cron_file=''
if [ -e /etc/unraid-version ]; then
    root_folder=/boot/config/plugins/agentmon-agent
    forgets_users=yes cron_file=$root_folder/agentmon-agent.cron
fi

freebsd_places() { # for root
    [ ! -d /etc/cron.d ] || cron_file=/etc/cron.d/agentmon-agent
    [ ! -e /data/freenas-v1.db ] || forgets_users=yes # TrueNAS CORE writes its users anew at each start
}

kept_list=/etc/sysupgrade.conf
kept_mark='# agentmon-agent: kept across upgrades'

keep_across_upgrades() {
    [ -n "$root" ] && [ -e "$kept_list" ] || return 0
    grep -q "^$kept_mark\$" "$kept_list" || printf '%s\n' "$kept_mark" "$folder/" /etc/crontabs/ >>"$kept_list"
}

forget_upgrades() {
    grep -qs "^$kept_mark\$" "$kept_list" || return 0
    rest=$(sed -e "/^$kept_mark\$/{N;N;d" -e '}' "$kept_list")
    printf '%s\n' "$rest" >"$kept_list"
}
