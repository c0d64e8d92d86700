#pragma once

#include <string_view>

namespace bpftally {

// Notifies systemd ("READY=1", "STOPPING=1") over the socket that NOTIFY_SOCKET names; does nothing
// if there is none. A message that cannot be sent is logged: it is no reason to stop.
void NotifyServiceManager(std::string_view state);

}  // namespace bpftally
