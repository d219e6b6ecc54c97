#include "engine/base/temporary_folder.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {

TemporaryFolder::TemporaryFolder() {
  std::error_code unusable;
  std::string path = (std::filesystem::temp_directory_path(unusable) / "titrate-XXXXXX").string();
  if (unusable || mkdtemp(path.data()) == nullptr) {
    const std::string why = unusable ? unusable.message() : std::strerror(errno);
    throw Error(ErrorCode::internal, cat("a temporary folder cannot be made: ", why), path,
                "set TMPDIR to a folder that can be written to");
  }
  path_ = path;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace titrate
