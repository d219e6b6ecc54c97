// A writer that is killed, a disk that is full, readers meanwhile: the study stays whole.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "tests/tuner/study/example_study.hpp"
#include "tuner/study/sqlite.hpp"

namespace titrate {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A process of its own that does the work and reports by writing into the descriptor it is given.
class Child {
 public:
  explicit Child(const std::function<void(int)>& work) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
    process_ = fork();
    if (process_ == 0) {
      try {
        work(ends[1]);
      } catch (const std::exception& error) {
        say(ends[1], error.what());
      }
      _exit(0);
    }
    close(ends[1]);
    report_ = ends[0];
  }
  ~Child() {
    close(report_);
    if (process_ > 0) kill_it();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  static void say(int report, const std::string& text) { static_cast<void>(write(report, text.data(), text.size()) > 0); }

  void kill_it() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = -1;
  }
  // Waits for it to say something.
  std::string first_word() const {
    char letter = 0;
    return std::string(read(report_, &letter, 1) > 0 ? 1 : 0, letter);
  }
  // Waits for the end of what it says.
  std::string words() const {
    std::string text;
    std::array<char, 4096> piece{};
    for (ssize_t count = 0; (count = read(report_, piece.data(), piece.size())) > 0;)
      text.append(piece.data(), static_cast<std::size_t>(count));
    return text;
  }

 private:
  pid_t process_ = -1;
  int report_ = -1;
};

std::string words_of(const std::function<void(int)>& work) { return Child(work).words(); }

// Leaves the study as a writer does that dies in the middle of a commit: some pages new, and a journal that undoes them.
void die_while_writing(const fs::path& path) {
  words_of([&](int report) {
    Database database = Database::open_for_writing(path);
    database.execute("PRAGMA cache_size=1; BEGIN IMMEDIATE; UPDATE trial SET reason = hex(zeroblob(50000)), metric = 1");
    Child::say(report, "spilled");
    _exit(0);
  });
}

class CrashTest : public StudyTest {
 protected:
  void make_study(int trials) const {
    Study study = Study::create(path_, example_beginning());
    study.set_baseline(example_baseline());
    for (int number = 1; number <= trials; ++number) add_trial(study, cat("rtn(bits=", number, ")"), 0.45);
  }
};

TEST_F(CrashTest, KilledAtAnyMomentItKeepsWhatWasFinished) {
  make_study(0);
  std::size_t kept = 0;
  std::uint32_t random = 7;
  for (int round = 0; round < 40; ++round) {
    Child child([&](int report) {
      Study study = Study::open(path_, example_identity());
      while (true) {
        add_trial(study, cat("rtn(bits=", study.record().trials.size() + 1, ")"), 0.45);
        Child::say(report, "1");
      }
    });
    random = random * 1103515245U + 12345U;
    kept += child.first_word().size();
    std::this_thread::sleep_for(std::chrono::microseconds((random >> 8U) % 10'000));
    child.kill_it();
    kept += child.words().size();
    const StudyRecord seen = Study::read(path_);
    std::size_t finished = 0;
    for (const TrialRecord& trial : seen.trials) finished += is_finished(trial.state) ? 1 : 0;
    // What it had said, and perhaps one more that was finished just before it could say so.
    ASSERT_GE(finished, kept);
    ASSERT_LE(finished, kept + 1);
    ASSERT_LE(seen.trials.size(), finished + 1);
    kept = finished;
    for (std::size_t index = 0; index < seen.trials.size(); ++index) {
      ASSERT_EQ(seen.trials[index].config, cat("rtn(bits=", index + 1, ")"));
      ASSERT_EQ(seen.trials[index].layers.size(), index < finished ? 2U : 0U);
    }
  }
  EXPECT_GE(kept, 40U);
  const Study study = Study::open(path_, example_identity());
  EXPECT_EQ(study.record().trials.size(), kept);
}

TEST_F(CrashTest, AHalfDoneCommitIsReadAsIfItHadNotBegunAndUndoneByTheNextWriter) {
  make_study(30);
  const std::string text = text_of(Study::read(path_));
  const std::string before = bytes_of(path_);
  die_while_writing(path_);
  const std::string torn = bytes_of(path_);
  const std::string journal = bytes_of(folder_ / "study.db-journal");
  ASSERT_NE(torn, before);
  ASSERT_NE(journal, "");
  EXPECT_EQ(text_of(Study::read(path_)), text);
  Facts other = example_identity();
  other[0].second = "other";
  EXPECT_EQ(error_of([&] { static_cast<void>(Study::open(path_, other)); }).code(), ErrorCode::study_unusable);
  EXPECT_EQ(bytes_of(path_), torn);
  EXPECT_EQ(bytes_of(folder_ / "study.db-journal"), journal);
  Study study = Study::open(path_, example_identity());
  EXPECT_EQ(text_of(study.record()), text);
  EXPECT_FALSE(fs::exists(folder_ / "study.db-journal"));
  add_trial(study, "fp8()", 0.5);
  EXPECT_EQ(Study::read(path_).trials.size(), 31U);
}

TEST_F(CrashTest, AJournalThatNamesAnotherFileIsNotFollowed) {
  make_study(30);
  die_while_writing(path_);
  // SQLite deletes the file that a journal's tail names, once it has rolled back (its file format, 3: the super-journal).
  const fs::path precious = folder_ / "precious.txt";
  write_bytes(precious, "precious");
  const auto big_endian = [](std::size_t number) {
    return std::string{static_cast<char>(number >> 24U), static_cast<char>(number >> 16U), static_cast<char>(number >> 8U),
                       static_cast<char>(number)};
  };
  std::size_t checksum = 0;
  for (const char letter : precious.string()) checksum += static_cast<std::size_t>(letter);
  std::string journal = bytes_of(folder_ / "study.db-journal");
  constexpr std::size_t lock_byte_page = 0x40000000 / 4096 + 1;
  journal += big_endian(lock_byte_page) + precious.string() + big_endian(precious.string().size()) + big_endian(checksum) +
             std::string("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8);
  write_bytes(folder_ / "study.db-journal", journal);
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Error error =
        error_of([&] { attempt == 0 ? static_cast<void>(Study::read(path_)) : static_cast<void>(Study::open(path_, example_identity())); });
    EXPECT_EQ(error.code(), ErrorCode::study_unusable);
    EXPECT_THAT(error.message(), HasSubstr("journal beside the study is not titrate's"));
  }
  EXPECT_EQ(bytes_of(precious), "precious");
}

TEST_F(CrashTest, ATrialInFlightIsShownAsCutOff) {
  make_study(1);
  words_of([&](int) {
    Study study = Study::open(path_, example_identity());
    study.begin_trial("fp8()");
    _exit(0);
  });
  const StudyRecord seen = Study::read(path_);
  ASSERT_EQ(seen.trials.size(), 2U);
  EXPECT_EQ(seen.trials[1].state, TrialState::interrupted);
  EXPECT_THAT(seen.trials[1].reason, HasSubstr("cut off"));
}

TEST_F(CrashTest, ReadersSeeOneMomentAndAreInNobodysWay) {
  make_study(0);
  std::atomic<bool> is_done = false;
  std::size_t reads = 0;
  std::thread reader([&] {
    std::size_t last = 0;
    while (!is_done) {
      const StudyRecord seen = Study::read(path_);
      EXPECT_GE(seen.trials.size(), last);
      last = seen.trials.size();
      ++reads;
    }
  });
  const std::string words = words_of([&](int report) {
    Study study = Study::open(path_, example_identity());
    for (int number = 1; number <= 15; ++number) add_trial(study, "rtn()", 0.4);
    Child::say(report, "done");
  });
  is_done = true;
  reader.join();
  EXPECT_EQ(words, "done");
  EXPECT_GT(reads, 5U);
  EXPECT_EQ(Study::read(path_).trials.size(), 15U);
}

TEST_F(CrashTest, ACopyInAReadOnlyFolderIsReadByAnybody) {
  if (getuid() != 0) GTEST_SKIP() << "root may give up its rights, others cannot";
  make_study(30);
  const std::string text = text_of(Study::read(path_));
  fs::permissions(folder_, fs::perms(0555));
  for (const bool is_torn : {false, true}) {
    if (is_torn) die_while_writing(path_);
    for (const auto& entry : fs::directory_iterator(folder_)) fs::permissions(entry.path(), fs::perms(0444));
    const std::string before = bytes_of(path_);
    const auto as_nobody = [&](const std::function<std::string()>& work) {
      return words_of([&](int report) {
        constexpr uid_t nobody = 65534;
        if (setgroups(0, nullptr) != 0 || setgid(nobody) != 0 || setuid(nobody) != 0) _exit(1);
        Child::say(report, work());
      });
    };
    EXPECT_EQ(as_nobody([&] { return text_of(Study::read(path_)); }), text);
    EXPECT_THAT(as_nobody([&] { return text_of(Study::open(path_, example_identity()).record()); }),
                HasSubstr("cannot be written: Permission denied"));
    EXPECT_EQ(bytes_of(path_), before);
  }
}

// Writes trials until it fails; returns how many were finished and the error.
std::pair<std::size_t, std::string> fill(const fs::path& path, const std::function<void()>& prepare) {
  const std::string words = words_of([&](int report) {
    prepare();
    Study study = Study::open(path, example_identity());
    for (int number = 1; number <= 500; ++number) {
      TrialRecord trial = example_trial(study.begin_trial("rtn()"), "rtn()", 0.45);
      trial.layers.resize(50, trial.layers[0]);
      study.finish_trial(trial);
      Child::say(report, "1");
    }
  });
  const std::size_t finished = words.find_first_not_of('1');
  return finished == std::string::npos ? std::pair(words.size(), std::string()) : std::pair(finished, words.substr(finished));
}

void expect_whole(const fs::path& path, std::size_t finished) {
  const StudyRecord seen = Study::read(path);
  EXPECT_GE(seen.trials.size(), finished);
  EXPECT_LE(seen.trials.size(), finished + 1);
  for (std::size_t index = 0; index < finished; ++index) EXPECT_EQ(seen.trials[index].layers.size(), 50U);
}

TEST_F(CrashTest, AFileThatMayNotGrowKeepsWhatItHas) {
  make_study(0);
  const auto [finished, error] = fill(path_, [] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{120'000, 120'000};
    setrlimit(RLIMIT_FSIZE, &limit);
  });
  EXPECT_THAT(error, HasSubstr("the study cannot be read or written"));
  EXPECT_THAT(error, HasSubstr(path_.string()));
  EXPECT_GT(finished, 3U);
  expect_whole(path_, finished);
  Study study = Study::open(path_, example_identity());
  EXPECT_EQ(study.record().trials.size(), finished);
  add_trial(study, "fp8()", 0.4);
}

TEST_F(CrashTest, AFullDiskIsNamedAndKeepsWhatItHas) {
  const fs::path disk = folder_ / "disk";
  fs::create_directory(disk);
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=256k") != 0) GTEST_SKIP() << "a small disk needs root and the right to mount";
  const fs::path path = disk / "study.db";
  { const Study study = Study::create(path, example_beginning()); }
  const auto [finished, error] = fill(path, [] {});
  EXPECT_THAT(error, HasSubstr("the disk is full"));
  EXPECT_THAT(error, HasSubstr("make room"));
  EXPECT_GT(finished, 3U);
  expect_whole(path, finished);
  write_bytes(disk / "rest", std::string(300'000, 'x'));
  const Error creation = error_of([&] { static_cast<void>(Study::create(disk / "second.db", example_beginning())); });
  EXPECT_THAT(creation.message(), HasSubstr("No space left"));
  EXPECT_FALSE(fs::exists(disk / "second.db"));
  fs::remove(disk / "rest");
  EXPECT_EQ(Study::open(path, example_identity()).record().trials.size(), finished);
  umount2(disk.c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace titrate
