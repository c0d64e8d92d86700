#!/usr/bin/env bash
# fetch.sh SUITE DIRECTORY PACKAGE…: downloads packages of a Debian suite (bookworm, trixie, sid…) into DIRECTORY and
# unpacks them there, without installing anything. A suite that this machine does not use comes from its own mirror,
# by lists kept in DIRECTORY/apt: the machine's apt is left as it is. A package may be a pattern: the newest match.
set -euo pipefail
suite=$1 directory=$2
shift 2
mkdir -p "$directory"
cd "$directory"

die() {
  echo "fetch: $*" >&2
  exit 1
}

# Where this machine has Debian's main archive from.
own_mirror() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' |
    sort -u | head -n 1
}

private_apt() {
  local mirror
  mirror=$(own_mirror)
  [[ -n "$mirror" ]] || die "no source of Debian's archive among this machine's apt sources"
  mkdir -p apt/lists/partial apt/cache/archives/partial apt/empty
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" \
    >apt/sources.list
  options=(-o Dir::Etc::SourceList="$PWD/apt/sources.list" -o Dir::Etc::SourceParts="$PWD/apt/empty"
           -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts="$PWD/apt/empty"
           -o Dir::State::Lists="$PWD/apt/lists" -o Dir::Cache="$PWD/apt/cache" -o APT::Sandbox::User=root
           -o APT::Default-Release= -o Acquire::Languages=none)
  apt-get "${options[@]}" -qq update || die "cannot get the lists of $suite"
}

newest() {  # pattern: of Debian's names for versions of one thing
  apt-cache "${options[@]}" --names-only search "$1" | awk '{ print $1 }' | sort -V | tail -n 1
}

private_apt
for pattern in "$@"; do
  package=$(newest "^$pattern\$")
  [[ -n "$package" ]] || die "$suite has no package $pattern"
  apt-get "${options[@]}" -qq download "$package" || die "cannot download $package of $suite"
  archive=$(ls -t "${package}"_*.deb | head -n 1)
  dpkg -x "$archive" .
  rm "$archive"
  echo "$package"
done
