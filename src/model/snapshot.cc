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

const char* RoadName(Road road) {
  switch (road) {
    case Road::kIterator:
      return "iterator";
    case Road::kSyscall:
      return "syscall";
    case Road::kNone:
      break;
  }
  return "none";
}

}  // namespace bpftally
