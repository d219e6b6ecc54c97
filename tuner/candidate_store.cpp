#include "tuner/candidate_store.hpp"

#include <utility>

#include "engine/base/atomic_file.hpp"
#include "engine/onnx/write.hpp"

namespace titrate {

CandidateStore::CandidateStore(std::filesystem::path output) : output_(std::move(output)) {}

void CandidateStore::publish(const engine::Model& model) const { engine::save_model(model, output_); }

void CandidateStore::check_output() const {
  const AtomicFile probe(output_);  // made beside the target and removed again
}

}  // namespace titrate
