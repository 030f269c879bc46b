# Puts mx-agent on a host. This text is the SSH command. Its stdin is JSON, the modules of the agent
# by their names, of which one zip archive is made that Python runs as a program. A line before it
# may set heal, a number that only makes this text another one (components/host/drift.py).
# shellcheck shell=sh
# The steps are a string so that one text serves root and sudo: the shell that starts below reads
# the agent from the stdin it inherits.
# shellcheck disable=SC2016
steps='
set -eu
umask 022
target=/usr/local/sbin/mx-agent
fresh=$target.new.$$
trap "rm -f \"$fresh\" \"$fresh.json\"" EXIT
mkdir -p /usr/local/sbin
cat >"$fresh.json"
if [ ! -s "$fresh.json" ]; then
  echo "mx-agent bootstrap: nothing came on stdin" >&2
  exit 2
fi
if ! command -v python3 >/dev/null 2>&1; then
  echo "python3: installing"
  export DEBIAN_FRONTEND=noninteractive
  get="apt-get -q -y -o DPkg::Lock::Timeout=300"
  $get install --no-install-recommends python3 >/dev/null 2>&1 </dev/null || {
    dpkg --configure -a </dev/null >/dev/null
    $get update </dev/null >/dev/null
    $get install --no-install-recommends python3 </dev/null >/dev/null
  }
fi
if ! python3 -I -c "import sys; sys.exit(sys.version_info < (3, 9))" </dev/null; then
  echo "mx-agent bootstrap: python3 on this host is older than 3.9" >&2
  exit 1
fi
python3 -I -c "
import io, json, sys, zipfile
with open(sys.argv[1], encoding=\"utf-8\") as source:
    modules = json.load(source)
archive = io.BytesIO()
with zipfile.ZipFile(archive, \"w\") as pack:
    for name in sorted(modules):
        pack.writestr(zipfile.ZipInfo(name), modules[name])
with open(sys.argv[2], \"wb\") as target:
    target.write(b\"#!/usr/bin/python3 -I\\n\" + archive.getvalue())
" "$fresh.json" "$fresh" </dev/null
rm -f "$fresh.json"
python3 -I "$fresh" version </dev/null >/dev/null
mkdir -p -m 0700 /var/lib/mx-upload
chown "$1:" /var/lib/mx-upload
chmod 0700 /var/lib/mx-upload
chown root:root "$fresh"
chmod 0755 "$fresh"
sync "$fresh"
mv -f "$fresh" "$target"
sync /usr/local/sbin
exec "$target" install </dev/null
'
if [ "$(id -u)" -eq 0 ]; then
  exec sh -c "$steps" sh "$(id -un)"
fi
if ! command -v sudo >/dev/null 2>&1 || ! sudo -n true </dev/null >/dev/null 2>&1; then
  echo "mx-agent bootstrap: user $(id -un) may not use sudo without a password on this host" >&2
  exit 1
fi
exec sudo -n sh -c "$steps" sh "$(id -un)"
