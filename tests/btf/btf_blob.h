#pragma once

// Small BTF objects, as a compiler would write them.

#include <bpf/btf.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "census/btf_names.h"

namespace bpftally {

class BtfBlob {
 public:
  BtfBlob() : types_(btf__new_empty()) { int_ = btf__add_int(types_.get(), "int", 4, 0); }

  uint32_t Int() const { return static_cast<uint32_t>(int_); }
  uint32_t Integer(const char* name, size_t size) {
    return Id(btf__add_int(types_.get(), name, size, 0));
  }
  uint32_t Typedef(const char* name, uint32_t type) {
    return Id(btf__add_typedef(types_.get(), name, static_cast<int>(type)));
  }
  uint32_t Function(const char* name) {
    const int prototype = btf__add_func_proto(types_.get(), int_);
    return Id(btf__add_func(types_.get(), name, BTF_FUNC_GLOBAL, prototype));
  }

  // The struct of a map definition: __type(key, …) and __type(value, …), where they are given.
  uint32_t Definition(std::optional<uint32_t> key, std::optional<uint32_t> value) {
    const int key_pointer = key ? btf__add_ptr(types_.get(), static_cast<int>(*key)) : 0;
    const int value_pointer = value ? btf__add_ptr(types_.get(), static_cast<int>(*value)) : 0;
    const int definition = btf__add_struct(types_.get(), nullptr, 16);
    if (key) btf__add_field(types_.get(), "key", key_pointer, 0, 0);
    if (value) btf__add_field(types_.get(), "value", value_pointer, 64, 0);
    return Id(definition);
  }

  // A struct of so many members without meaning, and one called "key" behind them.
  uint32_t LongDefinition(size_t members, uint32_t key) {
    const int key_pointer = btf__add_ptr(types_.get(), static_cast<int>(key));
    const int definition = btf__add_struct(types_.get(), nullptr, 4);
    for (size_t i = 0; i < members; ++i) btf__add_field(types_.get(), "m", int_, 0, 0);
    btf__add_field(types_.get(), "key", key_pointer, 0, 0);
    return Id(definition);
  }

  // A variable that Section() puts into its section.
  uint32_t Variable(const char* name, uint32_t type) {
    variables_.push_back(
        btf__add_var(types_.get(), name, BTF_VAR_GLOBAL_ALLOCATED, static_cast<int>(type)));
    return Id(variables_.back());
  }
  void Section(const char* name, size_t times_each = 1) {
    btf__add_datasec(types_.get(), name, 16);
    for (const int variable : variables_)
      for (size_t i = 0; i < times_each; ++i)
        btf__add_datasec_var_info(types_.get(), variable, 0, 16);
    variables_.clear();
  }

  std::vector<std::byte> Bytes() const {
    uint32_t size = 0;
    const auto* data = static_cast<const std::byte*>(btf__raw_data(types_.get(), &size));
    return {data, data + size};
  }

 private:
  static uint32_t Id(int id) { return static_cast<uint32_t>(id); }

  BtfPtr types_;
  int int_ = 0;
  std::vector<int> variables_;
};

}  // namespace bpftally
