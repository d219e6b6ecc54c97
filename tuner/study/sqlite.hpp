// SQLite as this project uses it: a database, a statement, a transaction. sqlite.cpp alone includes sqlite3.h.
// Every failure is an Error(study_unusable) that names the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

struct sqlite3;
struct sqlite3_stmt;

namespace titrate {

/// The first bytes of a database file that say what it is, read without taking a lock or touching anything beside the file.
struct DatabaseHeader {
  bool is_database = false;  ///< begins as an SQLite file does
  bool is_rollback = false;  ///< has no write-ahead log
  std::uint32_t application_id = 0;
  std::uint32_t user_version = 0;
};

class Database {
 public:
  /// Of its own, gone with this object.
  [[nodiscard]] static Database in_memory();
  /// Never changes the file, nor makes one beside it. The file must exist.
  [[nodiscard]] static Database open_read_only(const std::filesystem::path& path);
  /// The file must exist. Commits are on the disk when they return. What a writer that died left half done is undone.
  [[nodiscard]] static Database open_for_writing(const std::filesystem::path& path);

  [[nodiscard]] DatabaseHeader header() const;
  /// A copy in memory, whole and of one moment, whoever writes meanwhile. Nothing if a writer died while it wrote, and this database, being
  /// read-only, cannot undo that.
  [[nodiscard]] std::optional<Database> copy_to_memory() const;
  /// The bytes of the file that holds this database.
  [[nodiscard]] std::string serialized() const;

  /// One or more statements without parameters and results.
  void execute(const std::string& sql);
  /// Rows that the last statement changed.
  [[nodiscard]] int changes() const;
  /// What messages call this database.
  [[nodiscard]] const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }

 private:
  friend class Statement;
  friend class Transaction;
  struct Close {
    void operator()(sqlite3* connection) const;
  };

  Database(const std::string& path, std::string name, int flags);
  [[noreturn]] void fail(int code) const;
  void check(int code) const;
  void configure() const;

  std::string name_;
  std::unique_ptr<sqlite3, Close> connection_;
};

/// One SQL statement. Parameters are bound from ?1 on, columns count from 0.
class Statement {
 public:
  Statement(const Database& database, std::string_view sql);

  template <class... Values>
  Statement& bind(const Values&... values) {
    rewind();
    int index = 0;
    (bind_at(++index, values), ...);
    return *this;
  }
  /// To the next row; false when there is none.
  bool step();
  /// Runs a statement that has no rows.
  void run();

  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::optional<std::int64_t> optional_integer(int column) const;
  [[nodiscard]] std::optional<double> optional_real(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };

  void rewind();
  void bind_at(int index, std::int64_t value);
  void bind_at(int index, int value) { bind_at(index, std::int64_t{value}); }
  void bind_at(int index, double value);
  void bind_at(int index, std::string_view value);
  void bind_null(int index);
  template <class Value>
  void bind_at(int index, const std::optional<Value>& value) {
    value ? bind_at(index, *value) : bind_null(index);
  }

  const Database& database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// All or nothing: rolls back unless committed. Takes the right to write at once, so that it cannot fail for it later.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace titrate
