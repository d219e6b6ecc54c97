#include "tuner/study/sqlite.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <bit>
#include <new>
#include <span>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

// Readers hold their lock for milliseconds; whoever holds one for longer than this, such as a shell left in a transaction, is in the way.
constexpr int busy_timeout_ms = 30'000;
// No text of a study comes near; a damaged length must not allocate more.
constexpr int longest_text_bytes = 256 << 20;

std::uint32_t big_endian(std::span<const unsigned char> bytes) {
  std::uint32_t value = 0;
  for (const unsigned char byte : bytes.first(4)) value = value << 8U | byte;
  return value;
}

struct Complaint {
  int code;
  std::string_view what;
  std::string_view hint;
};

// By SQLite's primary result code.
constexpr std::array complaints{
    Complaint{SQLITE_FULL, "cannot be written: the disk is full", "the trials in it are safe: make room, then run the same command again"},
    Complaint{SQLITE_IOERR, "cannot be read or written",
              "the trials in it are safe unless the disk is broken: see to it, then run the same command again"},
    Complaint{SQLITE_BUSY, "is locked by another program", "close that program, then run the same command again"},
    Complaint{SQLITE_LOCKED, "is locked", "run the same command again"},
    Complaint{SQLITE_READONLY, "cannot be written to", "change its permissions or name another file with --study"},
    Complaint{SQLITE_PERM, "cannot be opened: permission denied", "change its permissions or name another file with --study"},
    Complaint{SQLITE_CANTOPEN, "cannot be opened", "name another file with --study"},
    Complaint{SQLITE_CORRUPT, "is damaged", "use a copy of it if there is one, --fresh or another --study"},
    Complaint{SQLITE_NOTADB, "is not a titrate study", "name another file with --study, or use --fresh, which keeps this one aside"},
};

}  // namespace

void Database::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Database Database::in_memory() { return {":memory:", "memory", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY}; }

// An absolute path, because a relative one that begins with "file:" would be taken for a URI.
Database Database::open_read_only(const std::filesystem::path& path) {
  return {std::filesystem::absolute(path).string(), path.string(), SQLITE_OPEN_READONLY};
}

Database Database::open_for_writing(const std::filesystem::path& path) {
  Database database(std::filesystem::absolute(path).string(), path.string(), SQLITE_OPEN_READWRITE);
  // A rollback journal keeps a study one file that may be copied; EXTRA syncs the directory too, or the last commit could come undone.
  database.execute("PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA");
  return database;
}

Database::Database(const std::string& path, std::string name, int flags) : name_(std::move(name)) {
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &connection, flags | SQLITE_OPEN_EXRESCODE, nullptr);
  connection_.reset(connection);
  check(code);
  configure();
}

// What may come from a stranger: nothing in the file is run, and nothing in it is believed before it is checked.
void Database::configure() const {
  sqlite3* connection = connection_.get();
  sqlite3_busy_timeout(connection, busy_timeout_ms);
  sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, longest_text_bytes);
  sqlite3_limit(connection, SQLITE_LIMIT_ATTACHED, 0);
  for (const int on : {SQLITE_DBCONFIG_DEFENSIVE, SQLITE_DBCONFIG_ENABLE_FKEY}) check(sqlite3_db_config(connection, on, 1, nullptr));
  for (const int off : {SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW,
                        SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, SQLITE_DBCONFIG_DQS_DML, SQLITE_DBCONFIG_DQS_DDL}) {
    check(sqlite3_db_config(connection, off, 0, nullptr));
  }
  check(sqlite3_exec(connection, "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0", nullptr, nullptr, nullptr));
}

void Database::check(int code) const {
  if (code != SQLITE_OK) fail(code);
}

void Database::fail(int code) const {
  if ((code & 0xff) == SQLITE_NOMEM) throw std::bad_alloc();
  const std::string detail = connection_ ? sqlite3_errmsg(connection_.get()) : sqlite3_errstr(code);
  for (const Complaint& complaint : complaints) {
    if ((code & 0xff) == complaint.code) {
      throw Error(ErrorCode::study_unusable, cat("the study ", complaint.what, " (SQLite ", code, ": ", detail, ")"), name_,
                  std::string(complaint.hint));
    }
  }
  throw Error(ErrorCode::study_unusable, cat("the study cannot be used (SQLite ", code, ": ", detail, ")"), name_,
              "use a copy of it if there is one, --fresh or another --study");
}

DatabaseHeader Database::header() const {
  // SQLite's own open file is read, because closing another one of the same file would drop this process's locks on it.
  sqlite3_file* file = nullptr;
  check(sqlite3_file_control(connection_.get(), "main", SQLITE_FCNTL_FILE_POINTER, &file));
  std::array<unsigned char, 100> bytes{};
  // A short file leaves zeros behind its end, which are no header.
  const int code = file->pMethods->xRead(file, bytes.data(), static_cast<int>(bytes.size()), 0);
  if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ) fail(code);
  const std::span<const unsigned char> view(bytes);
  using namespace std::string_view_literals;
  constexpr std::string_view magic = "SQLite format 3\0"sv;
  DatabaseHeader header;
  header.is_database =
      std::equal(magic.begin(), magic.end(), view.begin(), [](char a, unsigned char b) { return static_cast<unsigned char>(a) == b; });
  header.is_rollback = view[18] == 1 && view[19] == 1;
  header.user_version = big_endian(view.subspan(60));
  header.application_id = big_endian(view.subspan(68));
  return header;
}

std::optional<Database> Database::copy_to_memory() const {
  Database memory = in_memory();
  memory.name_ = name_;
  sqlite3_backup* backup = sqlite3_backup_init(memory.connection_.get(), "main", connection_.get(), "main");
  if (backup == nullptr) memory.fail(sqlite3_errcode(memory.connection_.get()));
  const int code = sqlite3_backup_step(backup, -1);
  sqlite3_backup_finish(backup);
  if (code == SQLITE_READONLY_ROLLBACK) return std::nullopt;
  if (code != SQLITE_DONE) fail(code);
  return memory;
}

std::string Database::serialized() const {
  sqlite3_int64 size = 0;
  const std::unique_ptr<unsigned char, void (*)(void*)> bytes(sqlite3_serialize(connection_.get(), "main", &size, 0), sqlite3_free);
  if (!bytes) throw std::bad_alloc();
  const std::span<const unsigned char> view(bytes.get(), static_cast<std::size_t>(size));
  return {view.begin(), view.end()};
}

void Database::execute(const std::string& sql) { check(sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr)); }

int Database::changes() const { return sqlite3_changes(connection_.get()); }

Statement::Statement(const Database& database, std::string_view sql) : database_(database) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(database.connection_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  statement_.reset(statement);
  database.check(code);
}

// The result of a reset repeats the error of the step before it, which was thrown then.
void Statement::rewind() { static_cast<void>(sqlite3_reset(statement_.get())); }

void Statement::bind_at(int index, std::int64_t value) { database_.check(sqlite3_bind_int64(statement_.get(), index, value)); }
void Statement::bind_at(int index, double value) { database_.check(sqlite3_bind_double(statement_.get(), index, value)); }
void Statement::bind_null(int index) { database_.check(sqlite3_bind_null(statement_.get(), index)); }
void Statement::bind_at(int index, std::string_view value) {
  // A view without data would be bound as NULL.
  const char* data = value.data() == nullptr ? "" : value.data();
  // SQLITE_TRANSIENT, whose macro is an old-style cast: SQLite makes its own copy.
  const auto transient = std::bit_cast<sqlite3_destructor_type>(std::intptr_t{-1});
  database_.check(sqlite3_bind_text64(statement_.get(), index, data, value.size(), transient, SQLITE_UTF8));
}

bool Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_.fail(code);
  return false;
}

void Statement::run() {
  while (step()) {
  }
  rewind();
}

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }
std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string Statement::text(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return data == nullptr ? std::string() : std::string(data, size);
}

std::optional<std::int64_t> Statement::optional_integer(int column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

std::optional<double> Statement::optional_real(int column) const {
  if (is_null(column)) return std::nullopt;
  return real(column);
}

Transaction::Transaction(Database& database) : database_(database) { database_.execute("BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
  // SQLite has rolled back by itself after some errors; then there is nothing to do, and nothing to say.
  if (open_) static_cast<void>(sqlite3_exec(database_.connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr));
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace titrate
