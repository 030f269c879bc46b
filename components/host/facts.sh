# Prints what a host is and what it reaches, one fact a line: "fact" TAB NAME TAB VALUE. Changes nothing.
# shellcheck shell=sh
# It comes on stdin. Arguments: HOST:PORT of each place that the host must reach, and
# ptr:ADDRESS of each address whose PTR record is asked for. All of them are asked side by side.
# The words "fact" and "end" let the reader tell these lines from what else a login prints.
fact() { printf 'fact\t%s\t%s\n' "$1" "$2"; }
# shellcheck source=/dev/null
. /etc/os-release
fact release "$ID ${VERSION_ID:-none}"
fact user "$(id -u)"
# From where this connection comes; sudo keeps the variable for itself.
client=${SSH_CONNECTION:-$(tr '\0' '\n' <"/proc/$PPID/environ" 2>/dev/null | sed -n 's/^SSH_CONNECTION=//p')}
[ -z "$client" ] || fact client "${client%% *}"
fact time "$(date +%s)"
fact memory "$(awk '/^MemTotal:/ { printf "%d", $2 / 1024 }' /proc/meminfo)"
fact disk "$(df -Pm /usr /var | awk 'NR > 1 && (NR == 2 || $4 < least) { least = $4 } END { print least }')"
ip -o addr show scope global | grep -v dadfailed | awk '{ sub("/.*", "", $4); printf "fact\taddress\t%s\n", $4 }'
for pid in $(ss -Hltnp 'sport = :25' | grep -o 'pid=[0-9]*' | cut -d= -f2 | sort -u); do
  fact smtp "$(readlink "/proc/$pid/exe")"
done
[ ! -d /run/systemd/system ] || fact systemd yes
# The agent's records of what it applied.
[ ! -e /var/lib/mx-agent/bundles/postfix.json ] || fact postfix yes
# The stack that they are of. Only the record's own key is indented by one blank.
sed -n 's/^ "owner": "\(.*\)",*$/\1/p' /var/lib/mx-agent/bundles/*.json 2>/dev/null | sort -u | while read -r owner; do
  fact owner "$owner"
done
for place in "$@"; do
  case $place in
  ptr:*)
    # Only DNS is asked: /etc/hosts has what the host believes of itself.
    (fact ptr "${place#ptr:} $(timeout 8 getent -s dns hosts "${place#ptr:}" | awk '{ print $2 }')") &
    ;;
  *)
    # shellcheck disable=SC2016
    # Opened by bash alone: a bare host has neither nc nor curl. A greeting begins with 220.
    (if timeout 8 getent ahosts "${place%:*}" >/dev/null; then
      fact reach "$place $(timeout 12 bash -c 'exec 3<>"/dev/tcp/${1%:*}/${1##*:}" && read -r -t 10 line <&3 && printf %s "$line"' \
        _ "$place" 2>/dev/null </dev/null | tr -cd ' -~' | cut -c1-80)"
    else
      fact reach "$place ?" # its name has no address
    fi) &
    ;;
  esac
done
wait
printf 'fact\tend\t\n'
