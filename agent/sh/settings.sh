# ---- Settings. One folder holds all that install writes, but for systemd's units and cron's line.

root_folder=/etc/agentmon-agent
user_folder=${XDG_CONFIG_HOME:-${HOME:-/nonexistent}/.config}/agentmon-agent

settings() { # sets url, ca, pin, key or key_file, and where to note the outcome; the environment wins
    url=${AGENTMON_URL:-} ca=${AGENTMON_CA:-} pin=${AGENTMON_PIN:-} key_file=${AGENTMON_KEY_FILE:-}
    stored=$root_folder/agent.conf
    [ -r "$stored" ] || stored=$user_folder/agent.conf
    [ -z "$url$key_file$key" ] && note=${stored%/*}/last || note='' # no outcome of what is installed
    [ -r "$stored" ] || return 0
    while IFS= read -r line; do
        value=${line#*=}
        case $line in
        AGENTMON_URL=*) url=${url:-$value} ;;
        AGENTMON_CA=*) ca=${ca:-$value} ;;
        AGENTMON_PIN=*) pin=${pin:-$value} ;;
        AGENTMON_KEY_FILE=*) [ -n "$key" ] || key_file=${key_file:-$value} ;;
        http_proxy=*) export http_proxy="${http_proxy-$value}" ;;
        https_proxy=*) export https_proxy="${https_proxy-$value}" ;;
        no_proxy=*) export no_proxy="${no_proxy-$value}" ;;
        esac
    done <"$stored"
}

check_settings() { # ends the run if they cannot work; fills key from key_file, sets client
    while [ "$url" != "${url%/}" ]; do url=${url%/}; done
    case $url in
    '') fail 2 "nothing says where the receiver is: set AGENTMON_URL, or install --url URL" ;;
    *[!!-~]* | *[\"\\\'\<\>?#@]*) fail 2 "the receiver's URL holds characters that do not belong there" ;;
    http://?* | https://?*) ;;
    *) fail 2 "the receiver's URL starts with http:// or https://" ;;
    esac
    case $pin in '' | sha256//*=) ;; *) fail 2 "a pin looks like sha256//BASE64=" ;; esac
    [ -z "$ca" ] || [ -r "$ca" ] || fail 1 "cannot read the CA certificate $ca"
    if [ -n "$key_file" ]; then
        case $(ls -ldL -- "$key_file" 2>/dev/null) in
        '') fail 1 "there is no key file $key_file" ;;
        ?r??------*) IFS= read -r key <"$key_file" ;;
        *) fail 1 "others may read the key file $key_file: chmod 600 it" ;;
        esac
    fi
    case $key in
    '') fail 2 "no key: set AGENTMON_KEY_FILE or AGENTMON_KEY, or run install" ;;
    *[!!-~]*) fail 1 "the key is malformed: printable ASCII characters without spaces are expected" ;;
    esac
    [ "${#key}" -le 128 ] || fail 1 "the key is longer than 128 characters"
    client=curl
    if command -v curl >/dev/null; then return; fi
    [ -z "$pin" ] || fail 1 "to trust a pinned public key needs curl: install it, or use --cacert"
    client=$(wget --help 2>&1)
    case $url$client in
    http*GNU*) client=gnu-wget ;;
    https*) fail 1 "https needs curl or GNU wget: this wget checks no certificates" ;;
    *post-file*) client=wget ;;
    *) fail 1 "neither curl nor a wget that can post a file is here" ;;
    esac
}
