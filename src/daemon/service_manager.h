#pragma once

#include <string_view>

namespace bpftally {

// Tells systemd ("READY=1", "STOPPING=1") over the socket that NOTIFY_SOCKET names; does nothing
// where there is none. A message that does not get there is logged: it is no reason to stop.
void NotifyServiceManager(std::string_view state);

}  // namespace bpftally
