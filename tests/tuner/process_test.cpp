#include "tuner/process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <thread>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ProcessResult shell(const std::string& script, double limit = 60) { return run_process({"sh", "-c", script}, limit, {}); }

template <class Call>
ErrorCode code_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::internal;
}

// Ended, or a zombie that nobody has waited for yet; init may take a moment.
bool is_gone(const std::string& process) {
  for (int attempt = 0; attempt < 1000; ++attempt) {
    if (shell("case \"$(ps -o stat= -p " + process + ")\" in ''|Z*) exit 0;; *) exit 1;; esac").exit_code == 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

TEST(SplitWords, BlanksQuotesAndEscapes) {
  EXPECT_THAT(split_words("  prog\t{model}  x\n"), ElementsAre("prog", "{model}", "x"));
  EXPECT_THAT(split_words("a 'b c' \"d 'e\" f' g'h"), ElementsAre("a", "b c", "d 'e", "f gh"));
  EXPECT_THAT(split_words(R"(a\ b "c\"d" 'e\f' '')"), ElementsAre("a b", "c\"d", "e\\f", ""));
  EXPECT_THAT(split_words(" \t\n"), IsEmpty());
}

TEST(SplitWords, NothingIsExpanded) { EXPECT_THAT(split_words("$HOME `id` * ; | >x"), ElementsAre("$HOME", "`id`", "*", ";", "|", ">x")); }

TEST(SplitWords, AnOpenQuoteIsRefused) {
  EXPECT_EQ(code_of([] { (void)split_words("a 'b"); }), ErrorCode::usage);
  EXPECT_EQ(code_of([] { (void)split_words("a \"b\\\""); }), ErrorCode::usage);
}

TEST(Process, OutputErrorsAndExitCode) {
  const ProcessResult result = shell("echo out; echo err >&2; exit 7");
  EXPECT_EQ(result.output, "out\n");
  EXPECT_EQ(result.errors, "err\n");
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_FALSE(result.timed_out);
}

TEST(Process, WordsArriveAsTheyAre) { EXPECT_EQ(run_process({"printf", "%s|", "a b", "", "$HOME", "*"}, 60, {}).output, "a b||$HOME|*|"); }

TEST(Process, StandardInputIsEmpty) { EXPECT_EQ(shell("cat; echo end").output, "end\n"); }

TEST(Process, ASignalIsAnExitCodeAbove128) { EXPECT_EQ(shell("kill -KILL $$").exit_code, 128 + SIGKILL); }

TEST(Process, OfHugeOutputTheEndIsKept) {
  const ProcessResult result = shell("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo last");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output.size(), 65536U);
  EXPECT_TRUE(result.output.ends_with("xx\nlast\n"));
}

TEST(Process, HugeOutputOnBothPipesDoesNotBlock) {
  const ProcessResult result = shell("head -c 400000 /dev/zero >&2; head -c 400000 /dev/zero; echo end");
  EXPECT_TRUE(result.output.ends_with("end\n"));
  EXPECT_EQ(result.errors.size(), 65536U);
}

TEST(Process, AMissingProgramIsNamed) {
  try {
    (void)run_process({"/no/such\x1bprogram"}, 60, {});
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_THAT(error.what(), HasSubstr("/no/such\\x1bprogram"));
  }
}

TEST(Process, AHangingProgramEndsWithItsChildren) {
  const ProcessResult result = shell("sleep 1000 & echo $!; wait", 2);
  EXPECT_TRUE(result.timed_out);
  ASSERT_FALSE(trim(result.output).empty());
  EXPECT_TRUE(is_gone(std::string(trim(result.output))));
}

TEST(Process, AProgramThatIgnoresTermIsKilled) {
  const ProcessResult result = shell("trap '' TERM; while :; do sleep 0.1; done", 2);
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.exit_code, 128 + SIGKILL);
}

TEST(Process, AChildThatKeepsThePipeOpenIsNotWaitedFor) {
  const ProcessResult result = shell("sleep 1000 & echo $!; exit 3");
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(result.exit_code, 3);
  ASSERT_FALSE(trim(result.output).empty());
  EXPECT_TRUE(is_gone(std::string(trim(result.output))));
}

TEST(Process, CancellingEndsTheProgram) {
  int asked = 0;
  const auto cancelled = [&] { return ++asked > 3; };
  EXPECT_EQ(code_of([&] { (void)run_process({"sleep", "1000"}, 1000, cancelled); }), ErrorCode::interrupted);
}

}  // namespace
}  // namespace titrate
