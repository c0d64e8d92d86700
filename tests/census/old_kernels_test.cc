// What older kernels lack, as far as this one can play them: their verifiers are not here.

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "census_maps.skel.h"
#include "census_programs.skel.h"
#include "population/kernel_abilities.h"
#include "population/libbpf_options.h"

namespace bpftally {
namespace {

constexpr const char* kKernelTypes = "/sys/kernel/btf/vmlinux";

// A file with this kernel's types, in which one member of a struct has another name: whoever looks
// for it finds none.
class TypesWithout {
 public:
  TypesWithout(const char* type, std::string_view member) {
    std::ifstream file(kKernelTypes, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const std::unique_ptr<btf, decltype(&btf__free)> types(
        btf__new(bytes.data(), static_cast<uint32_t>(bytes.size())), &btf__free);
    if (types && Rename(*types, type, member)) Write(*types);
  }
  ~TypesWithout() { std::filesystem::remove(path_); }
  TypesWithout(const TypesWithout&) = delete;
  TypesWithout& operator=(const TypesWithout&) = delete;

  const std::string& path() const { return path_; }  // empty: it could not be made

 private:
  static bool Rename(const btf& types, const char* type, std::string_view member) {
    const int id = btf__find_by_name_kind(&types, type, BTF_KIND_STRUCT);
    if (id < 0) return false;
    const btf_type* const found = btf__type_by_id(&types, static_cast<uint32_t>(id));
    for (btf_member& each : std::span(btf_members(found), btf_vlen(found))) {
      if (btf__name_by_offset(&types, each.name_off) != member) continue;
      ++each.name_off;  // its name without the first letter
      return true;
    }
    return false;
  }

  void Write(const btf& types) {
    std::string path = (std::filesystem::temp_directory_path() / "bpftally-btf-XXXXXX").string();
    const UniqueFd file(::mkstemp(path.data()));
    uint32_t size = 0;
    const void* const bytes = btf__raw_data(&types, &size);
    if (file && ::write(file.get(), bytes, size) == static_cast<ssize_t>(size)) path_ = path;
  }

  std::string path_;
};

template <typename Skeleton>
using SkeletonPtr = std::unique_ptr<Skeleton, void (*)(Skeleton*)>;

class OldKernelsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "root is missing: the test loads BPF programs";
    if (::access(kKernelTypes, R_OK) != 0) GTEST_SKIP() << "no BTF of the kernel's";
  }

  static bool HasCallback(const bpf_program* program) {
    for (const bpf_insn& insn :
         std::span(bpf_program__insns(program), bpf_program__insn_cnt(program))) {
      if (insn.code == (BPF_LD | BPF_IMM | BPF_DW) && insn.src_reg == BPF_PSEUDO_FUNC) return true;
    }
    return false;
  }

  // How many bytes an iterator gives at its first read.
  static ssize_t Read(const bpf_program* program) {
    const std::unique_ptr<bpf_link, int (*)(bpf_link*)> link(
        bpf_program__attach_iter(program, nullptr), &bpf_link__destroy);
    if (!link) return -1;
    const UniqueFd stream(bpf_iter_create(bpf_link__fd(link.get())));
    std::array<char, 4096> bytes{};
    return ::read(stream.get(), bytes.data(), bytes.size());
  }
};

TEST_F(OldKernelsTest, ProgramsAreReadWhereTheirStatisticsAreElsewhere) {
  const TypesWithout types("bpf_prog", "stats");  // before 5.12
  ASSERT_NE(types.path(), "");
  auto options = EmptyOptions<bpf_object_open_opts>();
  options.btf_custom_path = types.path().c_str();
  const SkeletonPtr<census_programs> skeleton(census_programs__open_opts(&options),
                                              census_programs__destroy);
  ASSERT_TRUE(skeleton);
  skeleton->rodata->may_probe_read = IteratorsReadAll();
  ASSERT_EQ(census_programs__load(skeleton.get()), 0);
  EXPECT_GT(Read(skeleton->progs.census_programs), 0);
}

TEST_F(OldKernelsTest, MapsAreReadWithoutACallback) {
  const SkeletonPtr<census_maps> skeleton(census_maps__open(), census_maps__destroy);
  ASSERT_TRUE(skeleton);
  skeleton->rodata->may_probe_read = IteratorsReadAll();
  bpf_program__set_autoload(skeleton->progs.census_maps_without_loop, true);
  ASSERT_EQ(census_maps__load(skeleton.get()), 0);
  EXPECT_TRUE(HasCallback(skeleton->progs.census_maps)) << "the test does not see it";
  EXPECT_FALSE(HasCallback(skeleton->progs.census_maps_without_loop));
  const UniqueFd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "own", 4, 4, 1, nullptr));
  EXPECT_GT(Read(skeleton->progs.census_maps_without_loop), 0);
}

}  // namespace
}  // namespace bpftally
