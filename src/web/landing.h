#pragma once

#include <string>
#include <string_view>

#include "daemon/poller.h"
#include "daemon/reload_status.h"

namespace bpftally {

struct LandingPage {
  std::string_view telemetry_path;
  std::string_view source;           // "the kernel of this host", or which file is replayed
  const PollResult* last = nullptr;  // null before the first poll
  ReloadStatus reload = {};
};

// Renders the HTML page at "/", for people who open the port in a browser.
std::string RenderLandingPage(const LandingPage& page);

std::string EscapeHtml(std::string_view text);

}  // namespace bpftally
