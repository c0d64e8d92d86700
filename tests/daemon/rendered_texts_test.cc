#include "daemon/rendered_texts.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

namespace bpftally {
namespace {

TextKey KeyOf(std::shared_ptr<const PollResult> look) {
  return {std::move(look), TextFormat::kPrometheus004, false, {}};
}

TEST(RenderedTexts, AreMadeOnceForAllWhoAskAtOnce) {
  RenderedTexts texts;
  const auto look = std::make_shared<const PollResult>();
  std::atomic<int> rendered = 0;
  std::vector<RenderedTexts::Text> got(8);
  {
    std::vector<std::jthread> readers;
    for (auto& text : got) {
      readers.emplace_back(
          [&] { text = texts.Get(KeyOf(look), [&] { return std::to_string(++rendered); }); });
    }
  }
  EXPECT_EQ(rendered, 1);
  for (const auto& text : got) EXPECT_EQ(*text, "1");
}

TEST(RenderedTexts, GoWithTheirLastReaderAndHoldNoLook) {
  RenderedTexts texts;
  auto look = std::make_shared<const PollResult>();
  const std::weak_ptr<const PollResult> watched = look;
  auto text = texts.Get(KeyOf(look), [] { return "first"; });
  EXPECT_EQ(texts.Get(KeyOf(look), [] { return "second"; }), text);
  text.reset();
  EXPECT_EQ(*texts.Get(KeyOf(look), [] { return "second"; }), "second");
  look.reset();
  EXPECT_TRUE(watched.expired());
}

TEST(RenderedTexts, AreMadeAnewWhereMakingThemFailed) {
  RenderedTexts texts;
  const auto look = std::make_shared<const PollResult>();
  EXPECT_THROW(texts.Get(KeyOf(look), []() -> std::string { throw std::runtime_error("no"); }),
               std::runtime_error);
  EXPECT_EQ(*texts.Get(KeyOf(look), [] { return "yes"; }), "yes");
}

}  // namespace
}  // namespace bpftally
