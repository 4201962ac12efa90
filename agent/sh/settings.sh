# ---- Settings. One folder holds all that install writes, but for what systemd or cron keep themselves.

root_folder=/etc/agentmon-agent
user_folder=${XDG_CONFIG_HOME:-${HOME:-/nonexistent}/.config}/agentmon-agent

settings() { # sets url, ca, pin, key or key_file, and note and state: what is written; the environment wins
    url=${AGENTMON_URL:-} ca=${AGENTMON_CA:-} pin=${AGENTMON_PIN:-} key_file=${AGENTMON_KEY_FILE:-}
    stored=$root_folder/agent.conf
    [ -r "$stored" ] || stored=$user_folder/agent.conf
    [ -z "$url$key_file$key" ] && note=${stored%/*}/last || note='' # other settings, other outcome
    state=${note:+${stored%/*}/state}
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
    '') fail 2 "no receiver: set AGENTMON_URL, or install --url URL" ;;
    *[!!-~]* | *[\"\\\'\<\>?#@]*) fail 2 "the receiver's URL holds characters that do not belong there" ;;
    http://?* | https://?*) ;;
    *) fail 2 "the receiver's URL starts with http:// or https://" ;;
    esac
    case $pin in '' | sha256//*=) ;; *) fail 2 "a pin looks like sha256//BASE64=" ;; esac
    [ -z "$ca" ] || [ -r "$ca" ] || fail 1 "cannot read the CA certificate $ca"
    [ -z "$key_file" ] || read_key_file
    check_key
    choose_client
}

read_key_file() {
    case $(ls -ldL -- "$key_file" 2>/dev/null) in
    '') fail 1 "there is no key file $key_file" ;;
    ?r??------*) IFS= read -r key <"$key_file" ;;
    *) fail 1 "others may read the key file $key_file: chmod 600 it" ;;
    esac
}

check_key() {
    case $key in *[!!-~]* | *'**'*) trim_key ;; esac
    case $key in
    '') fail 2 "no key: set AGENTMON_KEY_FILE or AGENTMON_KEY, or run install" ;;
    *[!!-~]*) fail 1 "the key is malformed: printable ASCII characters without spaces are expected" ;;
    esac
    [ "${#key}" -le 128 ] || fail 1 "the key is longer than 128 characters"
    if [ "${#key}" -lt 24 ] || made_by_agentmon; then return; fi # a short one is somebody's own, given with --key
    case $key in amk_*) fail 1 "this key is damaged: amk_ and 40 letters or digits were expected, but it has ${#key} \
characters: copy it again" ;; esac
}

trim_key() { # of what an editor left around it: a file from Windows ends its lines with \r
    blank=$(printf ' \t\r')
    key=${key#"${key%%[!"$blank"]*}"}
    key=${key%"${key##*[!"$blank"]}"}
    case $key in
    *"$(printf '\342\200\242')"* | *"$(printf '\342\200\246')"* | *'**'*) # the console's dots, an ellipsis
        fail 1 "this key was copied while it was hidden: press v or i in the console, then copy it again" ;;
    esac
}

made_by_agentmon() { # whether the key looks like those that agentmon makes; --key may bring others
    case ${key#amk_} in "$key" | *[!0-9A-Za-z]*) return 1 ;; esac
    [ "${#key}" = 44 ]
}
