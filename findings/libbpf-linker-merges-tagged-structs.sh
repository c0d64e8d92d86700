#!/usr/bin/env bash
# libbpf 1.5.0 (crates libbpf-rs 0.24.8, libbpf-sys 1.5.0): its static linker (`bpftool gen object` is the same code)
# merges structs that are equal but for the declaration tags of their members, and the one that is left has all tags.
#
# A good engineer would expect that types whose tags differ are different types, or that the linker refuses: the tags
# are all that tells them apart. Two files that were right each by itself give an object in which one member has the tags
# of both, and nothing says to which of the two maps or functions a tag belonged. Whoever gives tags a meaning must
# expect contradictions in linked objects.
#
# Seen (structs `requests` and their tags):
#   a.o       1 struct, tags: counter
#   b.o       1 struct, tags: gauge
#   linked.o  1 struct, tags: counter gauge
# Needs cargo, a C compiler, clang 14 or newer with the target bpf, and the headers of libelf and zlib. Exit status 0:
# still so; 1: it changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
clang=${CLANG:-clang}
for kind in counter gauge; do
  [[ "$kind" == counter ]] && name=a || name=b
  cat >"$name.c" <<C
struct requests {
  unsigned long count __attribute__((btf_decl_tag("$kind")));
};
struct requests in_$name;
C
  "$clang" -g -O2 -target bpf -c "$name.c" -o "$name.o"
done
mkdir -p src
cat >Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"

[dependencies]
libbpf-rs = "=0.24.8"
libbpf-sys = "=1.5.0"
TOML
cat >src/main.rs <<'RS'
use libbpf_rs::btf::{types, Btf, BtfKind, BtfType};
use libbpf_rs::Linker;

fn describe(file: &str) {
    let btf = Btf::from_path(file).unwrap();
    let mut structs = 0;
    let mut tags = Vec::new();
    for id in 1..btf.len() as u32 {
        let Some(found) = btf.type_by_id::<BtfType<'_>>(id.into()) else { continue };
        match found.kind() {
            BtfKind::Struct => structs += 1,
            BtfKind::DeclTag => {
                let tag: types::DeclTag<'_> = found.try_into().unwrap();
                tags.push(tag.name().unwrap().to_string_lossy().into_owned());
            }
            _ => {}
        }
    }
    tags.sort();
    println!("{file}: {structs} struct, tags: {}", tags.join(" "));
}

fn main() {
    describe("a.o");
    describe("b.o");
    let mut linker = Linker::new("linked.o").unwrap();
    linker.add_file("a.o").unwrap();
    linker.add_file("b.o").unwrap();
    linker.link().unwrap();
    describe("linked.o");
}
RS
cargo build -q 2>build.log || { tail -n 40 build.log; exit 1; }
got=$(target/debug/finding)
echo "$got"
expected='a.o: 1 struct, tags: counter
b.o: 1 struct, tags: gauge
linked.o: 1 struct, tags: counter gauge'
[[ "$got" == "$expected" ]]
