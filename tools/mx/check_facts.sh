# Prints what an MX host must have, one fact a line: NAME TAB VALUE. Changes nothing.
# shellcheck shell=sh
# Arguments: HOST:PORT of each place that the host must reach.
# shellcheck source=/dev/null
. /etc/os-release
printf 'release\t%s %s\n' "$ID" "${VERSION_ID:-none}"
awk '/^MemTotal:/ { printf "memory\t%d\n", $2 / 1024 }' /proc/meminfo
df -Pm /var | awk 'NR == 2 { printf "disk\t%d\n", $4 }'
ip -o addr show scope global | awk '{ sub("/.*", "", $4); printf "address\t%s\n", $4 }'
if [ -n "$(ss -Hltn 'sport = :25')" ]; then
  test -x /usr/local/sbin/mx-agent && printf 'smtp\tmx\n' || printf 'smtp\tother\n'
fi
[ -d /run/systemd/system ] && printf 'systemd\tyes\n'
for place in "$@"; do
  # shellcheck disable=SC2016
  # Opened by bash alone: a bare host has neither nc nor curl. A greeting begins with 220.
  greeting=$(timeout 12 bash -c 'exec 3<>"/dev/tcp/${1%:*}/${1##*:}" && read -r -t 10 line <&3 && printf %s "$line"' \
    _ "$place" 2>/dev/null | tr -cd ' -~' | cut -c1-80)
  printf 'reach\t%s %s\n' "$place" "$greeting"
done
