#include "tuner/candidate_store.hpp"

#include <cstdlib>
#include <system_error>
#include <utility>

#include "engine/base/atomic_file.hpp"
#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/onnx/write.hpp"

namespace titrate {

CandidateStore::CandidateStore(std::filesystem::path output) : output_(std::move(output)) {
  std::string folder = (std::filesystem::temp_directory_path() / "titrate-candidate-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    throw Error(ErrorCode::internal, "a temporary folder cannot be made", std::filesystem::temp_directory_path().string(),
                "set TMPDIR to a folder that can be written to");
  }
  folder_ = folder;
}

CandidateStore::~CandidateStore() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void CandidateStore::publish(const engine::Model& model) const { engine::save_model(model, output_); }

void CandidateStore::check_output() const {
  const AtomicFile probe(output_);  // made beside the target and removed again
}

}  // namespace titrate
