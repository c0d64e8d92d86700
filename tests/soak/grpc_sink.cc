// soak_grpc_sink: an OTLP/gRPC receiver that does as it is told. Prints its address; then each line
// of its input is what it does from there on: take, refuse, unavailable, hang, gone. Ends with its
// input.
#include <atomic>
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include "export/otlp/otlp_receivers.h"

namespace bpftally::testing {
namespace {

using Answer = GrpcReceiver::Answer;

const std::map<std::string, Answer> kAnswers = {
    {"take", {}},
    {"refuse", {.code = 3, .message = "refused for the test"}},
    {"unavailable", {.code = 14, .message = "unavailable for the test"}},
    {"hang", {.hang = true}},
};

int Serve() {
  std::atomic<const Answer*> answer = &kAnswers.at("take");
  const auto start = [&answer](int port) {
    return std::make_unique<GrpcReceiver>(GrpcReceiver::Options{
        .script = [&answer](const Received&) { return *answer.load(); }, .port = port});
  };
  auto receiver = start(0);
  const std::string address = receiver->address();
  const int port = std::stoi(address.substr(address.rfind(':') + 1));
  std::cout << address << std::endl;  // NOLINT(performance-avoid-endl): somebody waits for it
  for (std::string mode; std::getline(std::cin, mode);) {
    if (mode == "gone") {
      receiver.reset();
      continue;
    }
    answer = &kAnswers.at(mode);
    if (!receiver) receiver = start(port);
  }
  return 0;
}

}  // namespace
}  // namespace bpftally::testing

int main() { return bpftally::testing::Serve(); }
