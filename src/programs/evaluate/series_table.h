#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_index.h"
#include "model/metric_batch.h"
#include "programs/plan/plan.h"

namespace bpftally {

// Joins label values into a text that no other values give, whatever bytes they contain.
void JoinLabels(const auto& values, std::string& joined) {
  joined.clear();
  for (const std::string_view value : values) {
    const size_t size = value.size();
    joined.append(reinterpret_cast<const char*>(&size), sizeof size).append(value);
  }
}

// Splits joined values again, and puts them into the batch.
inline LabelValues PublishJoined(std::string_view joined, size_t count, MetricBatch& batch) {
  std::string_view* const labels = batch.NewLabels(count);
  for (size_t i = 0; i < count; ++i) {
    size_t size = 0;
    std::memcpy(&size, joined.data(), sizeof size);
    labels[i] = batch.Intern(joined.substr(sizeof size, size));
    joined.remove_prefix(sizeof size + size);
  }
  return labels;
}

// Holds the series of one metric, each with a T to which its rows are added. Series are numbered
// from 0 in the order of their first row. No row costs an allocation.
template <typename T>
class SeriesTable {
 public:
  // Returns the T of these labels, or null if their series would be one more than `limit` allows.
  T* FindOrAdd(const std::vector<std::string>& labels, const SeriesLimit& limit) {
    JoinLabels(labels, joined_);
    if (size() >= limit.series && !index_.Contains(joined_)) {
      if (!limit.overflow_to_other) return nullptr;
      JoinLabels(std::vector<std::string_view>(labels.size(), "other"), joined_);
    }
    const auto [number, is_new] = index_.Insert(joined_);
    if (is_new) cells_.emplace_back();
    return &cells_[number];
  }

  size_t size() const { return cells_.size(); }
  size_t NumberOf(const T* cell) const { return static_cast<size_t>(cell - cells_.data()); }
  const T& operator[](size_t number) const { return cells_[number]; }

  LabelValues Publish(size_t number, size_t label_count, MetricBatch& batch) const {
    return PublishJoined(index_[number], label_count, batch);
  }

  // Forgets all series, but keeps the memory.
  void Clear() {
    index_.Clear();
    cells_.clear();
  }

  // Forgets all series, and frees the memory.
  void Free() {
    index_ = {};
    cells_ = {};
  }

 private:
  ByteIndex index_;  // finds joined labels
  std::vector<T> cells_;
  std::string joined_;
};

}  // namespace bpftally
