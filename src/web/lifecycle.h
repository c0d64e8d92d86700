#pragma once

#include <functional>

#include "base/error.h"
#include "http/server.h"

namespace bpftally {

// Reads the configuration again and returns once that is done. An error says why what ran before
// runs on. Called on any thread, several at once.
using ReloadFunction = std::function<Result<void>()>;

// Serves `POST /-/reload` as Prometheus does: 200 once `reload` succeeded, 500 with its message if
// it failed. Without a function the route answers 403 and names the flag that enables it.
HttpRoute ReloadRoute(ReloadFunction reload);

}  // namespace bpftally
