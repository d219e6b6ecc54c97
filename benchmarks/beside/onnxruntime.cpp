#include "benchmarks/beside/onnxruntime.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace titrate::benchmarks {
namespace {

namespace fs = std::filesystem;

// Places in OrtApi (onnxruntime_c_api.h), which only ever grows at its end.
enum class Slot : std::size_t {
  get_error_message = 2,
  create_env = 3,
  create_session = 7,
  run = 9,
  create_session_options = 10,
  enable_profiling = 14,
  set_session_log_severity_level = 22,
  set_session_graph_optimization_level = 23,
  set_intra_op_num_threads = 24,
  set_inter_op_num_threads = 25,
  session_get_output_count = 31,
  session_get_output_name = 37,
  create_tensor_with_data_as_ort_value = 49,
  get_tensor_mutable_data = 51,
  get_tensor_element_type = 60,
  get_tensor_shape_element_count = 64,
  get_tensor_type_and_shape = 65,
  create_cpu_memory_info = 69,
  allocator_free = 76,
  get_allocator_with_default_options = 78,
  release_status = 93,
  release_memory_info = 94,
  release_session = 95,
  release_value = 96,
  release_tensor_type_and_shape_info = 99,
  release_session_options = 100,
  session_end_profiling = 110,
  add_session_config_entry = 130,
};

struct ApiBase {
  const void* (*get_api)(std::uint32_t version);
  const char* (*get_version_string)();
};

// Calls through the table; statuses become exceptions.
class Api {
 public:
  explicit Api(void* const* table) : table_(table) {}

  template <class... Arguments>
  void call(Slot slot, Arguments... arguments) const {
    void* const status = function<void*(Arguments...)>(slot)(arguments...);
    if (status == nullptr) return;
    const std::string message = function<const char*(const void*)>(Slot::get_error_message)(status);
    release(Slot::release_status, status);
    throw std::runtime_error(message);
  }
  void release(Slot slot, void* object) const {
    if (object != nullptr) function<void(void*)>(slot)(object);
  }

 private:
  template <class Signature>
  [[nodiscard]] Signature* function(Slot slot) const {
    return reinterpret_cast<Signature*>(table_[static_cast<std::size_t>(slot)]);
  }
  void* const* table_;
};

bool is_change_of_layout(const std::string& type) { return type == "Transpose" || type == "ReorderInput" || type == "ReorderOutput"; }

// Milliseconds in kernels, run by run.
std::vector<double> kernel_times(const fs::path& profile, std::size_t runs) {
  std::ifstream stream(profile);
  const nlohmann::json events = nlohmann::json::parse(stream);
  std::vector<std::pair<double, double>> kernels;  // begin and duration, us
  for (const nlohmann::json& event : events) {
    const std::string name = event.value("name", "");
    if (event.value("cat", "") != "Node" || !name.ends_with("_kernel_time")) continue;
    if (is_change_of_layout(event["args"].value("op_name", ""))) continue;
    // Whole microseconds, cut off: half of one is added.
    kernels.emplace_back(event["ts"].get<double>(), event["dur"].get<double>() + 0.5);
  }
  if (kernels.empty() || kernels.size() % runs != 0) throw std::runtime_error("the profile of ONNX Runtime does not fit its runs");
  std::sort(kernels.begin(), kernels.end());
  const std::size_t each = kernels.size() / runs;
  std::vector<double> times(runs, 0.0);
  for (std::size_t kernel = 0; kernel < kernels.size(); ++kernel) times[kernel / each] += kernels[kernel].second / 1000;
  return times;
}

class Session final : public Contender {
 public:
  Session(const Api& api, const void* environment, const std::string& model, std::span<const NamedInput> inputs, int threads, bool kernels)
      : api_(api), kernels_(kernels) {
    void* options = nullptr;
    api_.call(Slot::create_session_options, &options);
    api_.call(Slot::set_session_log_severity_level, options, 3);
    api_.call(Slot::set_session_graph_optimization_level, options, 99);
    api_.call(Slot::set_intra_op_num_threads, options, threads);
    api_.call(Slot::set_inter_op_num_threads, options, 1);
    // Threads spin while a run lasts, as always, but not into the turn of others.
    api_.call(Slot::add_session_config_entry, options, "session.force_spinning_stop", "1");
    const std::string prefix = (fs::temp_directory_path() / ("titrate_benchmark_" + std::to_string(getpid()))).string();
    if (kernels) api_.call(Slot::enable_profiling, options, prefix.c_str());
    api_.call(Slot::create_session, environment, model.c_str(), static_cast<const void*>(options), &session_);
    api_.release(Slot::release_session_options, options);
    api_.call(Slot::get_allocator_with_default_options, &allocator_);
    for (const NamedInput& input : inputs) feed(input);
    std::size_t outputs = 0;
    api_.call(Slot::session_get_output_count, static_cast<const void*>(session_), &outputs);
    outputs_.resize(outputs, nullptr);
    for (std::size_t index = 0; index < outputs; ++index) {
      char* name = nullptr;
      api_.call(Slot::session_get_output_name, static_cast<const void*>(session_), index, allocator_, &name);
      output_names_.emplace_back(name);
      api_.call(Slot::allocator_free, allocator_, static_cast<void*>(name));
    }
  }

  ~Session() override {
    if (kernels_ && !ended_) {
      try {
        fs::remove(end_profile());
      } catch (const std::exception&) {
        // Only a file in the temporary folder is left over.
      }
    }
    for (void* value : input_values_) api_.release(Slot::release_value, value);
    for (void* value : outputs_) api_.release(Slot::release_value, value);
    api_.release(Slot::release_session, session_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // The first run makes the outputs, later ones write into them.
  void run() override {
    std::vector<const char*> inputs;
    std::vector<const char*> outputs;
    for (const NamedInput& input : inputs_) inputs.push_back(input.name.c_str());
    for (const std::string& name : output_names_) outputs.push_back(name.c_str());
    api_.call(Slot::run, session_, static_cast<const void*>(nullptr), static_cast<const char* const*>(inputs.data()),
              static_cast<void* const*>(input_values_.data()), inputs.size(), static_cast<const char* const*>(outputs.data()),
              outputs.size(), outputs_.data());
  }

  std::vector<double> times(std::vector<double> clocked) override {
    if (!kernels_) return clocked;
    const fs::path profile = end_profile();
    const std::vector<double> kernels = kernel_times(profile, clocked.size());
    fs::remove(profile);
    return kernels;
  }

  [[nodiscard]] std::optional<std::vector<float>> first_output() const {
    void* info = nullptr;
    int type = 0;
    std::size_t count = 0;
    void* data = nullptr;
    api_.call(Slot::get_tensor_type_and_shape, static_cast<const void*>(outputs_[0]), &info);
    api_.call(Slot::get_tensor_element_type, static_cast<const void*>(info), &type);
    api_.call(Slot::get_tensor_shape_element_count, static_cast<const void*>(info), &count);
    api_.release(Slot::release_tensor_type_and_shape_info, info);
    if (type != static_cast<int>(engine::DataType::float32)) return std::nullopt;
    api_.call(Slot::get_tensor_mutable_data, outputs_[0], &data);
    const auto* floats = static_cast<const float*>(data);
    return std::vector<float>(floats, floats + count);
  }

 private:
  // Element types have the numbers of ONNX's in ONNX Runtime too.
  void feed(const NamedInput& input) {
    void* memory = nullptr;
    void* value = nullptr;
    api_.call(Slot::create_cpu_memory_info, 1, 0, &memory);
    const std::span<const std::byte> bytes = input.tensor.bytes();
    api_.call(Slot::create_tensor_with_data_as_ort_value, static_cast<const void*>(memory), const_cast<std::byte*>(bytes.data()),
              bytes.size(), static_cast<const std::int64_t*>(input.tensor.shape().data()), input.tensor.shape().size(),
              static_cast<int>(input.tensor.type()), &value);
    api_.release(Slot::release_memory_info, memory);
    inputs_.push_back(input);
    input_values_.push_back(value);
  }

  std::string end_profile() {
    ended_ = true;
    char* file = nullptr;
    api_.call(Slot::session_end_profiling, session_, allocator_, &file);
    std::string path = file;
    api_.call(Slot::allocator_free, allocator_, static_cast<void*>(file));
    return path;
  }

  Api api_;
  bool kernels_;
  bool ended_ = false;
  void* session_ = nullptr;
  void* allocator_ = nullptr;
  std::vector<NamedInput> inputs_;
  std::vector<void*> input_values_;
  std::vector<std::string> output_names_;
  std::vector<void*> outputs_;
};

}  // namespace

std::string find_onnxruntime() {
  const char* modules = std::getenv("TITRATE_ORT_MODULES");
  if (modules == nullptr) return {};
#if defined(__aarch64__)
  const std::string processor = "arm64";
#else
  const std::string processor = "x64";
#endif
  std::error_code missing;
  const fs::path binaries = fs::path(modules) / "node_modules/onnxruntime-node/bin";
  for (const auto& entry : fs::directory_iterator(binaries, missing)) {  // napi-v6: the number differs from release to release
    const fs::path library = entry.path() / "linux" / processor / "libonnxruntime.so.1";
    if (fs::exists(library)) return library.string();
  }
  return {};
}

OnnxRuntime::OnnxRuntime(const std::string& library) {
  void* const handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw std::runtime_error(dlerror());
  const auto base = reinterpret_cast<const ApiBase* (*)()>(dlsym(handle, "OrtGetApiBase"));
  if (base == nullptr) throw std::runtime_error(library + " is not ONNX Runtime");
  version_ = base()->get_version_string();
  constexpr std::uint32_t api_version = 17;  // the last slot used here came long before
  table_ = static_cast<void* const*>(const_cast<void*>(base()->get_api(api_version)));
  if (table_ == nullptr) throw std::runtime_error("ONNX Runtime " + version_ + " is too old");
  Api(table_).call(Slot::create_env, 3, "titrate", &environment_);
}

std::unique_ptr<Contender> OnnxRuntime::session(const std::string& model, std::span<const NamedInput> inputs, int threads,
                                                bool kernels) const {
  return std::make_unique<Session>(Api(table_), environment_, model, inputs, threads, kernels);
}

std::optional<std::vector<float>> OnnxRuntime::first_output(const std::string& model, std::span<const NamedInput> inputs) const {
  Session session(Api(table_), environment_, model, inputs, 1, false);
  session.run();
  return session.first_output();
}

}  // namespace titrate::benchmarks
