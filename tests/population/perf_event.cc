#include "population/perf_event.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>

#include "population/kernel_abilities.h"

namespace bpftally {

UniqueFd OpenPerfEvent(perf_event_attr attr, int cpu) {
  return UniqueFd(
      static_cast<int>(::syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
}

perf_event_attr TracepointAttr(const char* tracepoint) {
  perf_event_attr attr{};
  attr.size = sizeof(attr);
  EnsureMounted("tracefs", "/sys/kernel/tracing");
  std::ifstream id(std::string("/sys/kernel/tracing/events/") + tracepoint + "/id");
  if (id >> attr.config) attr.type = PERF_TYPE_TRACEPOINT;
  attr.sample_period = 1'000'000;
  return attr;
}

UnreadPerfBuffer::UnreadPerfBuffer(int cpu) {
  perf_event_attr attr{};
  attr.size = sizeof(attr);
  attr.type = PERF_TYPE_SOFTWARE;
  attr.config = PERF_COUNT_SW_BPF_OUTPUT;
  attr.sample_type = PERF_SAMPLE_RAW;
  attr.sample_period = 1;
  attr.read_format = PERF_FORMAT_LOST;
  event_ = OpenPerfEvent(attr, cpu);
  if (!event_) {
    attr.read_format = 0;
    event_ = OpenPerfEvent(attr, cpu);
  }
  const size_t size = DataBytes() + static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  memory_ = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, event_.get(), 0);
  ::ioctl(event_.get(), PERF_EVENT_IOC_ENABLE, 0);
}

UnreadPerfBuffer::~UnreadPerfBuffer() {
  ::munmap(memory_, DataBytes() + static_cast<size_t>(::sysconf(_SC_PAGESIZE)));
}

uint64_t UnreadPerfBuffer::DataBytes() { return static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)); }

std::optional<uint64_t> UnreadPerfBuffer::Lost() const {
  std::array<uint64_t, 2> count_and_lost{};
  if (::read(event_.get(), count_and_lost.data(), sizeof(count_and_lost)) !=
      sizeof(count_and_lost)) {
    return std::nullopt;
  }
  return count_and_lost[1];
}

}  // namespace bpftally
