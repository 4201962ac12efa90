#!/bin/sh
# agentmon-agent: reports to an agentmon receiver how this machine is (Linux, macOS, FreeBSD). One run sends one report.
# It needs a POSIX sh, awk, df, and curl or wget, and changes nothing on the machine unless told to `install`.
#
# To audit it: what is sent is made under "The report" and the part of your system (Linux, FreeBSD, macOS), how it is sent
# stands under "Sending", and all that `install` and `uninstall` change under "Installing" and the parts ahead of it, of
# which yours needs one: systemd, launchd or cron. The parts of other systems can be passed over. It begins at `main`.
#
# shellcheck disable=SC1091,SC2016  # os-release is not here to be checked; awk's $ stands in single quotes

version=0.2.0
set -u
umask 077
LC_ALL=C PATH=${PATH:-/bin}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
export LC_ALL PATH
key=${AGENTMON_KEY:-}
unset AGENTMON_KEY # it is no business of the programs that run below

usage() {
    cat <<'EOF'
usage: agent.sh             send one report; this is what cron or a timer runs
       agent.sh --print     show the report, without the key, and send nothing
       agent.sh --missing   name the disks that the report leaves out, and why
       agent.sh test        send one report and explain the answer
       agent.sh install --url URL [--cacert FILE] [--pin sha256//BASE64=]
                            report every minute; asks for the key unless AGENTMON_KEY or AGENTMON_KEY_FILE is set
       agent.sh status      what is installed, and how the last report went
       agent.sh uninstall   remove all that install made
AGENTMON_URL, AGENTMON_KEY_FILE or AGENTMON_KEY, AGENTMON_CA (a private CA's certificate), AGENTMON_PIN (the public
key to trust), http_proxy, https_proxy and no_proxy win over what install wrote, which are those that it found.
Exit: 0 sent, 1 failed, 2 wrong usage. status: 0 the last report was taken, 1 it failed, 3 nothing runs the agent.
EOF
}

tell() { printf 'agentmon-agent: %s\n' "$1"; }
fail() { # STATUS TEXT
    tell "$2" >&2
    exit "$1"
}
