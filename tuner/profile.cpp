#include "tuner/profile.hpp"

#include <chrono>
#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "tuner/thread_limit.hpp"

namespace titrate {
namespace {

using Clock = engine::Executor::Clock;

// Enough to see how runs differ; a trace of thousands of runs no viewer opens.
constexpr int most_traced_runs = 10;

double microseconds(Clock::duration duration) { return std::chrono::duration<double, std::micro>(duration).count(); }

std::string type_of(const engine::Node& node) { return node.domain.empty() ? node.type : cat(node.domain, ".", node.type); }

}  // namespace

Profile profile_model(const std::shared_ptr<const engine::Plan>& plan, std::span<const engine::Tensor> inputs,
                      const LatencyOptions& options) {
  const ThreadLimit limit(options.threads);
  engine::Executor executor(plan);
  (void)executor.run(inputs);
  const std::vector<engine::Node>& nodes = plan->graph().nodes;
  std::vector<NodeTime> times(nodes.size());
  Profile profile;
  const auto start = Clock::now();
  const auto timer = [&](std::size_t node, Clock::time_point begin, Clock::time_point end) {
    ++times[node].calls;
    times[node].total_ms += microseconds(end - begin) / 1000;
    if (profile.runs >= most_traced_runs) return;
    profile.spans.push_back(
        {.node = node, .run = profile.runs, .begin_us = microseconds(begin - start), .duration_us = microseconds(end - begin)});
  };
  const auto stop = start + std::chrono::duration<double>(options.seconds);
  for (; profile.runs < 3 || Clock::now() < stop; ++profile.runs) {
    if (options.cancelled && options.cancelled()) throw Error(ErrorCode::interrupted, "interrupted");
    (void)executor.run(inputs, {}, timer);
  }
  std::vector<std::size_t> place(nodes.size());
  for (std::size_t node = 0; node < nodes.size(); ++node) {
    if (times[node].calls == 0) continue;
    place[node] = profile.nodes.size();
    profile.total_ms += times[node].total_ms;
    profile.nodes.push_back(
        {.name = nodes[node].name, .type = type_of(nodes[node]), .calls = times[node].calls, .total_ms = times[node].total_ms});
  }
  for (NodeSpan& span : profile.spans) span.node = place[span.node];
  return profile;
}

std::string chrome_trace(const Profile& profile) {
  nlohmann::ordered_json events = nlohmann::ordered_json::array();
  events.push_back({{"name", "process_name"}, {"ph", "M"}, {"pid", 1}, {"args", {{"name", "titrate"}}}});
  for (const NodeSpan& span : profile.spans) {
    const NodeTime& node = profile.nodes[span.node];
    events.push_back({{"name", node.name},
                      {"cat", node.type},
                      {"ph", "X"},
                      {"ts", span.begin_us},
                      {"dur", span.duration_us},
                      {"pid", 1},
                      {"tid", 1},
                      {"args", {{"type", node.type}, {"run", span.run}}}});
  }
  const nlohmann::ordered_json document = {{"displayTimeUnit", "ms"}, {"traceEvents", std::move(events)}};
  return document.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace titrate
