#pragma once

// The census is an ordered list of parts (parts.cc), each of which reads one thing into the
// snapshot.
//
// How to add a kind of object:
// 1. Describe it in model/snapshot.h: a struct for one object, a vector of them in Snapshot, and an
//    ObjectKind with its name. List the struct's fields in model/snapshot_fields.h for the YAML.
// 2. Write census/<kind>_part.cc: a class that extends ObjectPart and walks by ids, by an iterator,
//    or both. ObjectPart does the rest: source, status, count of new objects.
// 3. Declare its factory in parts.h and call it in parts.cc, after the parts whose objects it
// needs.
// 4. Where the kernel lists the kind by commands or an iterator of its own, name them in
//    kernel/real_bpf_sys.cc and kernel/iterator_loader.cc.
// 5. Publish it: see collect/collector.h.
//
// What is no kind of object needs a field in Snapshot and its YAML, a class that extends CensusPart
// in a file of its own, and step 3.

#include <cstdint>
#include <string_view>
#include <unordered_set>

#include "base/error.h"
#include "census/btf_names.h"
#include "census/feature_list.h"
#include "census/reader_options.h"
#include "census/walk.h"
#include "model/snapshot.h"

namespace bpftally {

// What all parts of a reader share. Outlives them.
struct CensusContext {
  BpfSys& sys;
  const ReaderOptions& options;
  const std::unordered_set<uint32_t>& own_programs;  // BPF programs of this process
  BtfNames& names;
  FeatureList& features;
};

class CensusPart {
 public:
  virtual ~CensusPart() = default;

  virtual std::string_view name() const = 0;  // static storage

  // Chooses a source, once. An error says why there is none: then each Read() fails with it.
  // `may_open`: objects can be opened by id here (CAP_SYS_ADMIN).
  virtual Result<void> Start(bool may_open) = 0;

  // Adds to the snapshot, which has what the parts before this one read. An error says why that is
  // not all there is.
  virtual Result<void> Read(const Pass& pass, Snapshot& snapshot) = 0;

  // Drops what is remembered of objects that are not in the snapshot, which Read() read whole.
  virtual void Forget(const Snapshot& snapshot) = 0;

  // The BPF program that Start() loaded; 0 where it loaded none.
  virtual uint32_t own_program() const { return 0; }
};

}  // namespace bpftally
