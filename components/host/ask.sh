# Calls the agents of some hosts, all at once, in one SSH connection each.
# shellcheck shell=sh
# MX_HOSTS has a line a host: key address port user sudo keytype key. sudo is "-" for root.
# MX_VERB is what the agent is called with: status, or another verb and its arguments.
# MX_NOTED are files that every login may read; the one line of each comes before what the agent says.
# MX_PLACES, when it is given, are the arguments of facts.sh, which then comes with MX_STDIN.
# MX_CALL, when it is given, is run there instead of the agent, with MX_STDIN as its input.
# MX_KEY_FILE is the private key's path, or empty: then the ssh-agent is asked.
# For each host it prints a line "host KEY CODE", then lines "out TAB ..." (the machine ID, the
# facts, the digest of the agent, the noted lines, the JSON) and "err TAB ...". CODE is that of ssh: 255 not reached, 127 no agent there.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ask() {
  key=$1 address=$2 port=$3 user=$4 sudo=$5 type=$6
  printf '%s %s %s\n' "$key" "$type" "$7" >"$folder/$key.known"
  [ "$sudo" != - ] || sudo=
  set -- -F none -o BatchMode=yes -o ConnectTimeout=10 -o ConnectionAttempts=1 \
    -o ServerAliveInterval=5 -o ServerAliveCountMax=4 -o LogLevel=ERROR -o UpdateHostKeys=no \
    -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$folder/$key.known" \
    -o GlobalKnownHostsFile=none -o HostKeyAlias="$key" -o HostKeyAlgorithms="$type" \
    -o ControlPath=none -o ForwardAgent=no -p "$port" -l "$user"
  if [ -n "${MX_KEY_FILE:-}" ]; then
    set -- "$@" -o IdentitiesOnly=yes -i "$MX_KEY_FILE"
  fi
  code=0
  # One line for whatever login shell the host has.
  agent=/usr/local/sbin/mx-agent
  noted=
  for file in ${MX_NOTED:-}; do noted="${noted}test -r $file && cat $file; echo; "; done
  facts=${MX_PLACES+"${sudo:+sudo -n }sh -s -- $MX_PLACES; "}
  call="cat /etc/machine-id; ${facts}test -x $agent || exit 127; sha256sum $agent; ${noted}exec ${sudo:+sudo -n }$agent $MX_VERB"
  # shellcheck disable=SC2029
  ssh "$@" -- "$address" "${MX_CALL:-$call}" <"$folder/stdin" >"$folder/$key.out" 2>"$folder/$key.err" || code=$?
  printf 'host %s %s\n' "$key" "$code" >"$folder/$key.head"
}
printf '%s\n' "${MX_STDIN:-}" >"$folder/stdin"
list=$folder/list
printf '%s\n' "$MX_HOSTS" >"$list"
while read -r key address port user sudo type blob; do
  ask "$key" "$address" "$port" "$user" "$sudo" "$type" "$blob" &
done <"$list"
wait
while read -r key _; do
  cat "$folder/$key.head"
  # What is not UTF-8 is left out: the engine's plug-in makes a failure of it, for all hosts at once.
  iconv -c -f UTF-8 -t UTF-8 "$folder/$key.out" | awk '{ print "out\t" $0 }'
  iconv -c -f UTF-8 -t UTF-8 "$folder/$key.err" | awk '{ print "err\t" $0 }'
done <"$list"
