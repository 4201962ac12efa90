# ---- systemd: a timer of the system that starts a unit of the agent's own user. For root alone.

unit=/etc/systemd/system/agentmon-agent

systemd_here() { [ -n "$root" ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null; }

systemd_unit() { # CONFINED: yes, or nothing where the kernel gives a unit no mount namespace (some containers)
    # What its user cannot do anyway is not forbidden once more. ProtectHome=yes would hide a /home that is a file
    # system of its own from df. ProtectProc, ProcSubset, ProtectKernelTunables and ProtectControlGroups would mount a
    # fresh /proc, without the figures that lxcfs gives a container; PrivateDevices would hide /dev/zfs.
    put 644 "$unit.service" "[Unit]
Description=agentmon agent: send one report
[Service]
Type=oneshot
User=${user:-root}
ExecStart=/bin/sh $folder/agent.sh
TimeoutStartSec=2min
MemoryMax=64M
NoNewPrivileges=yes
CapabilityBoundingSet=
DevicePolicy=closed
DeviceAllow=/dev/zfs rw
KillMode=process
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service${1:+
ProtectSystem=strict
ReadWritePaths=-$folder/last -$folder/state
ProtectHome=read-only
PrivateTmp=yes}"
    systemctl daemon-reload || fail 1 "systemd did not read the new unit"
}

systemd_schedule() { # SECOND
    put 644 "$unit.timer" "[Unit]
Description=agentmon agent: report every minute
[Timer]
OnCalendar=*:*:$1
AccuracySec=1s
[Install]
WantedBy=timers.target"
    systemd_unit yes
    systemctl -q enable --now agentmon-agent.timer || fail 1 "systemd did not start the timer"
}

systemd_run_once() { # runs the unit itself: what a shell can do, a confined unit perhaps cannot
    systemctl start agentmon-agent.service 2>/dev/null && return
    [ "$(cat "$folder/last")" = "$no_report" ] || return # it ran, and its report was not taken
    tell "the unit cannot be confined here ($(systemd_result)): it runs as its user alone"
    systemd_unit ''
    systemctl start agentmon-agent.service 2>/dev/null && return
    why=$(systemd_result)
    return 1
}

systemd_result() { # how the unit ended: 226 is a namespace that the kernel did not give it
    systemctl show -p Result -p ExecMainStatus agentmon-agent.service | tr '\n' ' '
}

systemd_unschedule() {
    [ -n "$root" ] && [ -e "$unit.timer" ] || return 0
    systemctl -q disable --now agentmon-agent.timer
    systemctl -q stop agentmon-agent.service
    rm -f "$unit.service" "$unit.timer"
    systemctl daemon-reload
}

systemd_runs() { # whether the timer goes
    [ -e "$unit.timer" ] && [ "$(systemctl is-active agentmon-agent.timer 2>/dev/null)" = active ]
}

hides_lxcfs() { # names the options of the unit on this machine by which a container reads its host's /proc
    [ -e "$unit.service" ] || return 0
    awk -F= '$1 ~ /^(ProtectProc|ProcSubset|ProtectKernelTunables|ProtectControlGroups)$/ && $2 !~ /^(no|default|all)/ {
        printf "%s ", $1
    }' "$unit.service"
}
