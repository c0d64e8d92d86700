#include "model/snapshot.h"

namespace bpftally {

const char* ObjectKindName(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kProgram:
      return "program";
    case ObjectKind::kMap:
      return "map";
    case ObjectKind::kLink:
      return "link";
    case ObjectKind::kBtf:
      break;
  }
  return "btf";
}

const char* SourceName(Source source) {
  switch (source) {
    case Source::kIterator:
      return "iterator";
    case Source::kSyscall:
      return "syscall";
    case Source::kNone:
      break;
  }
  return "none";
}

size_t Snapshot::CountOf(ObjectKind kind) const {
  switch (kind) {
    case ObjectKind::kProgram:
      return programs.size();
    case ObjectKind::kMap:
      return maps.size();
    case ObjectKind::kLink:
      return links.size();
    case ObjectKind::kBtf:
      return btf.size();
  }
  return 0;
}

}  // namespace bpftally
