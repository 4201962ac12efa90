# ---- Scheduling: a systemd timer for root, else the crontab of the user that does the work.

cron_of() { # USER ARGUMENTS; the agent's own crontab and no file in /etc/cron.d, of which busybox knows nothing
    whose=$1
    shift
    if [ -n "$user" ]; then crontab -u "$whose" "$@"; else crontab "$@"; fi 2>/dev/null
}

unschedule() { # before it is scheduled anew, too; root's own line in cron is an earlier agent.sh's
    for name in "$(id -un)" $user; do
        cron_of "$name" -l | grep -q '# agentmon-agent$' || continue
        rest=$(cron_of "$name" -l | grep -v '# agentmon-agent$')
        if [ -n "$rest" ]; then printf '%s\n' "$rest" | cron_of "$name" -; else cron_of "$name" -r; fi
    done
    if [ -n "$user" ] && [ -e "$unit.timer" ]; then
        systemctl -q disable --now agentmon-agent.timer
        systemctl -q stop agentmon-agent.service
        rm -f "$unit.service" "$unit.timer"
        systemctl daemon-reload
    fi
    rm -rf "$old_lib" "$old_state"
}

schedule() { # sets runner: what runs the agent every minute
    # Each key has a second of its own, so that a fleet does not report in the same moment.
    second=$((0x$(printf '%s' "$key" | sha256sum | cut -c 1-4) % 55))
    if [ -n "$user" ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null; then
        # What its user cannot do anyway is not forbidden once more. ProtectHome=yes would hide a /home that is a file
        # system of its own from df, ProcSubset=pid would hide /proc/stat.
        put 644 "$unit.service" "[Unit]
Description=agentmon agent: send one report
[Service]
Type=oneshot
User=$user
ExecStart=/bin/sh $folder/agent.sh
TimeoutStartSec=2min
MemoryMax=64M
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths=-$folder/last
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service"
        put 644 "$unit.timer" "[Unit]
Description=agentmon agent: report every minute
[Timer]
OnCalendar=*:*:$second
AccuracySec=1s
[Install]
WantedBy=timers.target"
        systemctl daemon-reload || fail 1 "systemd did not read the new units"
        systemctl -q enable --now agentmon-agent.timer || fail 1 "systemd did not start the timer"
        runner='a systemd timer (agentmon-agent.timer)'
    elif command -v crontab >/dev/null; then
        line="* * * * * sleep $second; sh '$folder/agent.sh' >/dev/null 2>&1 # agentmon-agent"
        { cron_of "$user" -l; echo "$line"; } | cron_of "$user" - || fail 1 "crontab did not take the line"
        runner=cron
        grep -qsE '^(cron|crond)$' /proc/[0-9]*/comm || runner='cron, once its daemon is started,'
    else
        fail 1 "no systemd for root, no crontab: let something run this every minute: sh $folder/agent.sh"
    fi
}
