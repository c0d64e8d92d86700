#include "web/rendered_texts.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

namespace bpftally {
namespace {

TEST(RenderedTexts, AreMadeOnceForAllWhoAskAtOnce) {
  RenderedTexts texts;
  const auto result = std::make_shared<const PollResult>();
  std::atomic<int> rendered = 0;
  std::vector<RenderedTexts::Text> got(8);
  {
    std::vector<std::jthread> readers;
    for (auto& text : got) {
      readers.emplace_back(
          [&] { text = texts.Get(result, {}, [&] { return std::to_string(++rendered); }); });
    }
  }
  EXPECT_EQ(rendered, 1);
  for (const auto& text : got) EXPECT_EQ(*text, "1");
}

TEST(RenderedTexts, GoWithTheirLastReaderAndHoldNoLook) {
  RenderedTexts texts;
  auto result = std::make_shared<const PollResult>();
  const std::weak_ptr<const PollResult> watched = result;
  auto text = texts.Get(result, {}, [] { return "first"; });
  EXPECT_EQ(texts.Get(result, {}, [] { return "second"; }), text);
  text.reset();
  EXPECT_EQ(*texts.Get(result, {}, [] { return "second"; }), "second");
  result.reset();
  EXPECT_TRUE(watched.expired());
}

TEST(RenderedTexts, AreOthersInAnotherForm) {
  RenderedTexts texts;
  const auto result = std::make_shared<const PollResult>();
  const std::vector<TextForm> forms = {{},
                                       {.format = TextFormat::kOpenMetrics100},
                                       {.gzip = true},
                                       {.collectors = {"maps"}},
                                       {.collectors = {"maps", "links"}}};
  std::vector<RenderedTexts::Text> held;
  for (const TextForm& form : forms)
    held.push_back(texts.Get(result, form, [&] { return std::to_string(held.size()); }));
  held.push_back(
      texts.Get(std::make_shared<const PollResult>(), {}, [] { return "another poll"; }));
  EXPECT_EQ(*held.back(), "another poll");
  for (size_t i = 0; i < forms.size(); ++i)
    EXPECT_EQ(*texts.Get(result, forms[i], [] { return "anew"; }), std::to_string(i));
}

TEST(RenderedTexts, AreMadeAnewWhereMakingThemFailed) {
  RenderedTexts texts;
  const auto result = std::make_shared<const PollResult>();
  EXPECT_THROW(texts.Get(result, {}, []() -> std::string { throw std::runtime_error("no"); }),
               std::runtime_error);
  EXPECT_EQ(*texts.Get(result, {}, [] { return "yes"; }), "yes");
}

}  // namespace
}  // namespace bpftally
