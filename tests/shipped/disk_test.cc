// Block I/O and the page cache.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/loop.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/vfs.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <thread>

#include "base/unique_fd.h"
#include "build_paths.h"
#include "shipped/program_under_test.h"

namespace bpftally {
namespace {

constexpr size_t kPage = 4096;

// A file of the build tree, which is on a disk, while /tmp may be memory. Gone with it.
class DiskFile {
 public:
  DiskFile() : fd_(mkstemp(path_.data())) {}
  DiskFile(const DiskFile&) = delete;
  DiskFile& operator=(const DiskFile&) = delete;
  ~DiskFile() { unlink(path_.data()); }

  int fd() const { return fd_.get(); }

 private:
  std::string path_ = BPFTALLY_BINARY_DIR "/shipped_test.XXXXXX";
  UniqueFd fd_;
};

// A disk of 8 MiB that nobody else knows.
class LoopDisk {
 public:
  LoopDisk() {
    const UniqueFd control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    if (!control || ftruncate(file_.fd(), 8 << 20) != 0) return;
    number_ = ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number_ < 0) return;
    const std::string path = "/dev/" + name();
    disk_ = UniqueFd(open(path.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC));
    works_ = disk_ && ioctl(disk_.get(), LOOP_SET_FD, file_.fd()) == 0;
  }
  LoopDisk(const LoopDisk&) = delete;
  LoopDisk& operator=(const LoopDisk&) = delete;
  ~LoopDisk() {
    if (works_) ioctl(disk_.get(), LOOP_CLR_FD);
  }

  bool works() const { return works_; }
  std::string name() const { return "loop" + std::to_string(number_); }

  // Past the page cache: each is a request of its own.
  bool Write(size_t bytes, int times) const {
    return Repeat(times, [&](char* data) { return pwrite(disk_.get(), data, bytes, 0); });
  }
  bool Read(size_t bytes, int times) const {
    return Repeat(times, [&](char* data) { return pread(disk_.get(), data, bytes, 0); });
  }

 private:
  template <typename Transfer>
  bool Repeat(int times, const Transfer& transfer) const {
    const std::unique_ptr<void, decltype(&std::free)> data(std::aligned_alloc(kPage, 1 << 20),
                                                           &std::free);
    for (int i = 0; i < times; ++i) {
      if (transfer(static_cast<char*>(data.get())) <= 0) return false;
    }
    return true;
  }

  DiskFile file_;
  int number_ = -1;
  UniqueFd disk_;
  bool works_ = false;
};

TEST_F(Shipped, Biolatency) {
  ProgramUnderTest program("biolatency");
  ASSERT_TRUE(program.serves()) << program.log();
  const LoopDisk disk;
  if (!disk.works()) GTEST_SKIP() << "no loop device: /dev/loop-control";
  const auto in_bucket = [&](const std::string& operation, const std::string& le) {
    return program.Value("bio_size_bytes_bucket",
                         {{"device", disk.name()}, {"operation", operation}, {"le", le}});
  };
  const Labels written = {{"device", disk.name()}, {"operation", "write"}};

  const double writes_before = program.Value("bio_size_bytes_count", written);
  const double seconds_before = program.Value("bio_latency_seconds_sum", written);
  const double bytes_before = program.Value("bio_size_bytes_sum", written);
  const double reads_before = in_bucket("read", "262144") - in_bucket("read", "131072");
  ASSERT_TRUE(disk.Write(kPage, 7));
  ASSERT_TRUE(disk.Write(64 << 10, 5));
  ASSERT_TRUE(disk.Read(256 << 10, 3));

  EXPECT_EQ(program.Growth("bio_size_bytes_count", written, writes_before, 12), 12);
  EXPECT_EQ(program.Value("bio_size_bytes_sum", written) - bytes_before, 7 * 4096 + 5 * 65536);
  EXPECT_EQ(in_bucket("write", "2048"), 0) << "a bound that is too low by one";
  EXPECT_EQ(in_bucket("write", "4096") - in_bucket("write", "2048"), 7);
  EXPECT_EQ(in_bucket("write", "65536") - in_bucket("write", "32768"), 5);
  EXPECT_EQ(in_bucket("read", "262144") - in_bucket("read", "131072") - reads_before, 3);
  EXPECT_EQ(program.Value("bio_latency_seconds_count", written),
            program.Value("bio_size_bytes_count", written));
  const double seconds = program.Value("bio_latency_seconds_sum", written) - seconds_before;
  EXPECT_GT(seconds, 12e-6);
  EXPECT_LT(seconds, 12);
  EXPECT_THAT(program.Scrape(), testing::HasSubstr(",le=\"67.108864\"}"));
}

// Moves the times of requests ahead while they are on their way.
TEST_F(Shipped, BiolatencySurvivesSkewedClocks) {
  ProgramUnderTest program("biolatency");
  ASSERT_TRUE(program.serves()) << program.log();
  const LoopDisk disk;
  if (!disk.works()) GTEST_SKIP() << "no loop device: /dev/loop-control";
  {
    const std::jthread writes([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) EXPECT_TRUE(disk.Write(1 << 20, 1));
    });
    size_t moved = 0;
    EXPECT_TRUE(Eventually([&] { return (moved += program.MoveTimesAhead("issue_times")) >= 20; }));
  }
  EXPECT_TRUE(program.HasPlausibleSum("bio_latency_seconds")) << program.Scrape();
}

bool WritePages(int fd, int pages) {
  const std::array<char, kPage> page{};
  for (int i = 0; i < pages; ++i) {
    if (pwrite(fd, page.data(), page.size(), i * static_cast<off_t>(kPage)) < 0) return false;
  }
  return true;
}

TEST_F(Shipped, Cachestat) {
  constexpr int kPages = 200;
  constexpr int kMetadata = 40;  // pages of the file system's own that may come on top
  ProgramUnderTest program("cachestat");
  ASSERT_TRUE(program.serves()) << program.log();
  const DiskFile file;
  struct statfs system = {};
  ASSERT_EQ(fstatfs(file.fd(), &system), 0);
  if (system.f_type == TMPFS_MAGIC) GTEST_SKIP() << "the build tree is not on a disk but in memory";

  std::thread([&] {
    prctl(PR_SET_NAME, "shipped-pages");
    EXPECT_TRUE(WritePages(file.fd(), kPages));
    EXPECT_EQ(ftruncate(file.fd(), 0), 0);
  }).join();
  const auto growth = [&](const std::string& operation) {
    return program.Growth("page_cache_ops_total", {{"op", operation}, {"command", "shipped-pages"}},
                          0, kPages);
  };
  for (const char* operation :
       {"add_to_page_cache_lru", "account_page_dirtied", "delete_from_page_cache"}) {
    EXPECT_GE(growth(operation), kPages) << operation;
    EXPECT_LE(growth(operation), kPages + kMetadata) << operation;
  }
}

}  // namespace
}  // namespace bpftally
