#include "population/population.h"

#include <bpf/libbpf.h>

#include <cstdio>
#include <cstring>

#include "population/activity.h"
#include "population/links.h"
#include "population/maps.h"
#include "population/objects.h"
#include "population/plain_objects.h"
#include "population/programs.h"

namespace bpftally {

Population::Population() {
  // Silences libbpf; RefusedText() reports what was refused.
  const libbpf_print_fn_t print = libbpf_set_print(nullptr);
  MakePlainPrograms(made_);
  MakePlainMaps(made_);
  MakeObjects(made_);
  MakeLinks(made_, cgroup_, netns_);
  MakeProbeLinks(made_);
  MakeActivity(made_);
  libbpf_set_print(print);
}

Population::~Population() {
  FreedWatch watch;
  for (const KnownProgram& known : made_.programs) watch.Watch(known.fd.get());
  made_ = {};
  if (!watch.WaitUntilFreed())
    (void)std::fputs("the kernel has not freed the population's programs after a minute\n", stderr);
}

std::string Population::RefusedText() const {
  std::string text;
  for (const Refused& refused : made_.refused) {
    text += refused.label + ": " + ::strerror(refused.sys_errno) + " (" +
            std::to_string(refused.sys_errno) + ")" + (refused.excused ? "" : " NOT EXCUSED") +
            "\n";
  }
  return text;
}

}  // namespace bpftally
