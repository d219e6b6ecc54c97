// What is not a study of ours, or not a whole one: refused with the file's name, and not a byte of it changes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

#include "tests/tuner/study/example_study.hpp"

namespace titrate {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file()) files[entry.path().filename().string()] = bytes_of(entry.path());
  }
  return files;
}

class RefusalTest : public StudyTest {
 protected:
  void make_study() const {
    Study study = Study::create(path_, example_beginning());
    study.set_baseline(example_baseline());
    for (const char* config : {"rtn()", "fp8()", "static_int8()"}) add_trial(study, config, 0.45);
    study.set_verdict("not_met");
  }

  void run_sql(const std::string& sql) const {
    sqlite3* connection = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &connection), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(connection);
    sqlite3_close(connection);
  }

  // Neither reading nor going on works, the file is named, and the folder is as it was.
  void expect_refused(const std::string& words) const {
    const auto before = files_of(folder_);
    for (const bool for_writing : {false, true}) {
      const Error error = error_of([&] {
        if (for_writing) {
          static_cast<void>(Study::open(path_, example_identity()));
        } else {
          static_cast<void>(Study::read(path_));
        }
      });
      EXPECT_EQ(error.code(), ErrorCode::study_unusable) << error.what();
      EXPECT_THAT(error.message(), HasSubstr(words));
      EXPECT_THAT(error.where(), HasSubstr("study.db"));
      EXPECT_NE(error.hint(), "");
    }
    EXPECT_TRUE(files_of(folder_) == before) << "something in the folder has changed";
  }
};

TEST_F(RefusalTest, Garbage) {
  write_bytes(path_, "");
  expect_refused("not a titrate study");
  std::string text;
  for (int line = 0; line < 400; ++line) text += "dear diary\n";
  write_bytes(path_, text);
  expect_refused("not a titrate study");
  write_bytes(path_, std::string("SQLite format 3\0", 16) + std::string(5000, '\xa5'));
  expect_refused("another program");
}

TEST_F(RefusalTest, ADatabaseOfAnotherProgram) {
  run_sql("CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('x')");
  expect_refused("another program");
  run_sql("PRAGMA journal_mode=WAL; INSERT INTO bookmarks VALUES ('y')");
  expect_refused("another program");
}

TEST_F(RefusalTest, ANewerStudy) {
  make_study();
  run_sql("PRAGMA user_version=7");
  expect_refused("made by a newer titrate (its form is 7, this version knows up to 3)");
}

TEST_F(RefusalTest, OtherTablesTriggersAndViews) {
  for (const std::string sql :
       {"CREATE TABLE more (x)", "CREATE VIEW more AS SELECT 1", "CREATE INDEX more ON trial (config)",
        "CREATE TRIGGER more AFTER INSERT ON trial BEGIN DELETE FROM trial; END", "ALTER TABLE trial ADD COLUMN more TEXT"}) {
    fs::remove(path_);
    make_study();
    run_sql(sql);
    expect_refused("other tables than titrate makes");
  }
}

TEST_F(RefusalTest, ValuesThatWereChangedBehindItsBack) {
  for (const std::string sql :
       {"UPDATE trial SET metric = 0.5 WHERE number = 2", "UPDATE trial SET state = 'passed' WHERE number = 2",
        "UPDATE layer SET sqnr_db = NULL", "UPDATE phase SET seconds = 1", "DELETE FROM layer WHERE trial = 2",
        "UPDATE trial SET state = 'unheard of'", "DELETE FROM trial WHERE number = 3",
        "DELETE FROM layer; DELETE FROM phase; DELETE FROM trial WHERE number = 1", "UPDATE baseline SET metric = 1",
        "DELETE FROM baseline", "UPDATE fact SET value = 'other' WHERE name = 'model'", "UPDATE study SET tolerable_loss = 0.5",
        "DELETE FROM study"}) {
    SCOPED_TRACE(sql);
    fs::remove(path_);
    make_study();
    run_sql(sql);
    expect_refused("damaged");
  }
}

TEST_F(RefusalTest, AFileCutAnywhereOrWithFlippedBitsIsNeverBelieved) {
  make_study();
  const std::string whole = bytes_of(path_);
  const std::string text = text_of(Study::read(path_));
  const auto outcome = [&](const std::string& bytes) {
    write_bytes(path_, bytes);
    try {
      return text_of(Study::read(path_));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::study_unusable) << error.what();
      return std::string("refused");
    }
  };
  for (std::size_t size = 0; size < whole.size(); size += 509) EXPECT_EQ(outcome(whole.substr(0, size)), "refused") << size;
  int refused = 0;
  std::uint32_t random = 12345;
  for (int round = 0; round < 400; ++round) {
    random = random * 1103515245U + 12345U;
    const std::size_t place = (random >> 8U) % whole.size();
    std::string damaged = whole;
    damaged[place] = static_cast<char>(damaged[place] ^ (1 << (random & 7U)));
    const std::string seen = outcome(damaged);
    // Much of a file is free space, where a flip does nothing.
    if (seen == "refused") {
      ++refused;
    } else {
      EXPECT_EQ(seen, text) << "byte " << place;
    }
  }
  EXPECT_GT(refused, 20);
}

TEST_F(RefusalTest, WhatIsNotThereOrNoFile) {
  expect_refused("there is no such study");
  fs::create_directory(path_);
  expect_refused("not a file");
  fs::remove(path_);
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const Error error = error_of([&] { static_cast<void>(Study::read(path_)); });
  EXPECT_THAT(error.message(), HasSubstr("not a file"));
}

TEST_F(RefusalTest, AMissingStudyHasAHint) {
  EXPECT_THAT(error_of([&] { static_cast<void>(Study::read(path_)); }).hint(), HasSubstr("titrate tune makes one"));
}

TEST_F(RefusalTest, AnImpossiblePlaceIsNamed) {
  write_bytes(folder_ / "model.onnx", "a model");
  for (const fs::path& place : {folder_ / "model.onnx" / "study.db", folder_ / "missing" / "study.db"}) {
    const Error error = error_of([&] { static_cast<void>(Study::create(place, example_beginning())); });
    EXPECT_EQ(error.code(), ErrorCode::study_unusable);
    EXPECT_EQ(error.where(), place.string());
    EXPECT_THAT(error_of([&] { static_cast<void>(Study::read(place)); }).where(), place.string());
  }
  EXPECT_EQ(files_of(folder_).size(), 1U);
}

TEST_F(RefusalTest, CreateNeverReplaces) {
  write_bytes(path_, "precious");
  EXPECT_EQ(error_of([&] { static_cast<void>(Study::create(path_, example_beginning())); }).code(), ErrorCode::study_unusable);
  EXPECT_EQ(files_of(folder_), (std::map<std::string, std::string>{{"study.db", "precious"}}));
}

TEST_F(RefusalTest, OneProcessTunes) {
  const Study study = Study::create(path_, example_beginning());
  const std::string owner = cat("in use by process ", getpid(), " since 20");
  EXPECT_THAT(error_of([&] { static_cast<void>(Study::open(path_, example_identity())); }).message(), HasSubstr(owner));
  EXPECT_THAT(error_of([&] { static_cast<void>(Study::create(path_, example_beginning())); }).message(), HasSubstr(owner));
  EXPECT_THAT(error_of([&] { Study::move_aside(path_); }).message(), HasSubstr(owner));
  // Under another name, too.
  const fs::path other = folder_ / "other.db";
  fs::create_symlink("study.db", other);
  EXPECT_THAT(error_of([&] { static_cast<void>(Study::open(other, example_identity())); }).message(), HasSubstr(owner));
  EXPECT_TRUE(Study::read(path_).trials.empty());
}

TEST_F(RefusalTest, AForeignLockFileStays) {
  make_study();
  write_bytes(folder_ / "study.db-lock", "somebody's");
  EXPECT_THAT(error_of([&] { static_cast<void>(Study::open(path_, example_identity())); }).message(), HasSubstr("is not titrate's"));
  EXPECT_EQ(bytes_of(folder_ / "study.db-lock"), "somebody's");
  EXPECT_EQ(Study::read(path_).trials.size(), 3U);
}

TEST_F(RefusalTest, FreshKeepsEveryOldFile) {
  make_study();
  const std::string first = bytes_of(path_);
  EXPECT_EQ(Study::move_aside(path_), folder_ / "study.db.1");
  write_bytes(path_, "garbage");
  write_bytes(folder_ / "study.db-journal", "its journal");
  EXPECT_EQ(Study::move_aside(path_), folder_ / "study.db.2");
  { const Study study = Study::create(path_, example_beginning()); }
  const std::map<std::string, std::string> files = files_of(folder_);
  EXPECT_EQ(files.size(), 4U);
  EXPECT_EQ(files.at("study.db.1"), first);
  EXPECT_EQ(files.at("study.db.2"), "garbage");
  EXPECT_EQ(files.at("study.db.2-journal"), "its journal");
  EXPECT_EQ(Study::read(folder_ / "study.db.1").trials.size(), 3U);
}

TEST_F(RefusalTest, AJournalWithoutItsStudyDoesNotGetIntoANewOne) {
  write_bytes(folder_ / "study.db-journal", "stale");
  { const Study study = Study::create(path_, example_beginning()); }
  EXPECT_EQ(bytes_of(folder_ / "study.db.1-journal"), "stale");
  EXPECT_FALSE(fs::exists(folder_ / "study.db-journal"));
  EXPECT_TRUE(Study::read(path_).trials.empty());
}

}  // namespace
}  // namespace titrate
