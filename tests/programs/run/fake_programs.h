#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernel/fake_bpf_sys.h"
#include "kernel/map_handle.h"
#include "programs/plan/plan.h"
#include "programs/plan/sources.h"
#include "programs/run/program_table.h"

namespace bpftally {

// Stands for an object, but is in no kernel.
class FakeLoadedProgram final : public LoadedProgram {
 public:
  ~FakeLoadedProgram() override {
    if (gone_ != nullptr) *gone_ = true;
  }

  const std::vector<AttachStatus>& statuses() const override { return statuses_; }
  const std::vector<MapHandle>& maps() const override { return maps_; }
  Result<ProgramRunStats> RunStats(size_t) override {
    return ProgramRunStats{.run_time_ns = 2'500'000'000, .run_count = 17};
  }
  Result<void> RunIterators(std::chrono::steady_clock::time_point, const Clock&) override {
    return iterators_;
  }

  std::vector<AttachStatus> statuses_;
  std::vector<MapHandle> maps_;
  Result<void> iterators_;
  std::atomic<bool>* gone_ = nullptr;  // set at the end
};

inline std::vector<std::byte> Bytes(auto number) {
  std::vector<std::byte> bytes(sizeof number);
  std::memcpy(bytes.data(), &number, bytes.size());
  return bytes;
}

inline SourcePlan Counter(std::string name, std::string map = "counts") {
  return CounterById(std::move(name), std::move(map));
}

// Fixture for tests of a ProgramTable on an in-memory kernel.
class FakeProgramsTest : public testing::Test {
 protected:
  // Makes a hash map of the fake kernel with the entries (key, value).
  MapHandle MakeMap(std::string name, std::vector<std::pair<uint32_t, uint64_t>> entries) {
    const uint32_t id = next_id_++;
    FakeMap& map = sys_.maps[id];
    map.info.type = BPF_MAP_TYPE_HASH;
    map.info.key_size = 4;
    for (const auto& [key, value] : entries) map.entries.push_back({Bytes(key), Bytes(value)});
    fds_.push_back(std::move(*sys_.OpenById(ObjectKind::kMap, id)));
    return {.name = std::move(name),
            .fd = fds_.back().get(),
            .id = id,
            .type = BPF_MAP_TYPE_HASH,
            .key_size = 4,
            .value_size = 8,
            .max_entries = 100};
  }

  static std::unique_ptr<FakeLoadedProgram> Loaded(std::vector<MapHandle> maps) {
    auto loaded = std::make_unique<FakeLoadedProgram>();
    loaded->maps_ = std::move(maps);
    return loaded;
  }

  // Returns the samples of one family as "label=value,... number".
  std::vector<std::string> Lines(std::string_view name) const {
    std::vector<std::string> lines;
    const auto family = std::ranges::find(batch_.families(), name,
                                          [](const MetricFamily& f) { return f.spec.name; });
    if (family == batch_.families().end()) return {"no family " + std::string(name)};
    for (const Sample& sample : family->samples) {
      std::vector<std::string> labels;
      for (size_t i = 0; i < family->spec.label_names.size(); ++i)
        labels.push_back(fmt::format("{}={}", family->spec.label_names[i], sample.labels[i]));
      lines.push_back(std::visit(
          [&](auto value) { return fmt::format("{} {}", fmt::join(labels, ","), value); },
          sample.value));
    }
    return lines;
  }

  TableHost Host() {
    return {.sys = sys_,
            .clock = clock_,
            .sources = {},
            .event_sources = {},
            .load = [this](const ProgramPlan& plan) { return Load(plan); }};
  }

  // Sets what the next load of the named program returns, after results that are set already.
  void SetNext(const std::string& name, Result<std::unique_ptr<LoadedProgram>> loaded) {
    next_.emplace(name, std::move(loaded));
  }

  ChangeReport Add(ProgramTable& table, ProgramPlan plan, std::unique_ptr<LoadedProgram> loaded) {
    SetNext(plan.name, std::move(loaded));
    return AddNext(table, std::move(plan));
  }
  ChangeReport AddFailed(ProgramTable& table, ProgramPlan plan) {
    SetNext(plan.name, std::unexpected(Error{ErrorKind::kUnsupported, 0, "refused"}));
    return AddNext(table, std::move(plan));
  }

  Result<void> Collect(ProgramTable& table,
                       std::chrono::seconds patience = std::chrono::seconds(60)) {
    batch_ = {};
    said_.clear();
    return table.Collect(clock_.After(patience), batch_, said_);
  }

  FakeBpfSys sys_;
  TickingClock clock_;
  uint32_t next_id_ = 1;
  std::vector<UniqueFd> fds_;
  MetricBatch batch_;
  Notices said_;
  int loads_ = 0;

 private:
  static ChangeReport AddNext(ProgramTable& table, ProgramPlan plan) {
    plan.self = {.prefix = "ebpf_exporter_"};
    auto added = table.Add(std::move(plan));
    if (added) return *std::move(added);
    ADD_FAILURE() << added.error().message;
    return {};
  }

  Result<std::unique_ptr<LoadedProgram>> Load(const ProgramPlan& plan) {
    ++loads_;
    const auto next = next_.lower_bound(plan.name);
    if (next == next_.end() || next->first != plan.name)
      return std::unexpected(Error{ErrorKind::kInternal, 0, "nothing to load"});
    auto loaded = std::move(next->second);
    next_.erase(next);
    return loaded;
  }

  std::multimap<std::string, Result<std::unique_ptr<LoadedProgram>>> next_;
};

}  // namespace bpftally
