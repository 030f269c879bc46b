# Before `pulumi destroy` touches anything: refuses while mail is queued on an MX host.
# shellcheck shell=sh
# MX_ASK is ask.sh, which reads MX_HOSTS, MX_KEY_FILE and MX_CALL. A host that does not answer
# counts as not empty.
set -eu
[ -n "$MX_HOSTS" ] || exit 0
left=$(sh -c "$MX_ASK" </dev/null | awk -F '\t' '
  /^host / { split($0, head, " "); key = head[2]; code[key] = head[3]; order[++hosts] = key; next }
  $1 == "out" { out[key] = out[key] $2 }
  $1 == "err" { err[key] = $2 }
  END {
    for (number = 1; number <= hosts; number++) {
      key = order[number]
      if (code[key] != 0) print key ": its queue was not read, which counts as not empty: " err[key]
      else if (out[key] != "the queue is empty") print key ": " out[key]
    }
    if (!hosts) print "no host was asked"
  }' | tr -cd '\n -~')
[ -n "$left" ] || exit 0
cat >&2 <<END
Nothing was taken away: accepted mail would be lost with its host.
$left
Let the mail leave first: \`mx run STACK HOST postqueue -p\` says what it waits for.
Or give it up: write \`giveUpQueue: true\` at the host in the stack file, run \`mx up\`, then destroy.
A host that is lost leaves the stack first (docs/lost-host.md).
END
exit 1
