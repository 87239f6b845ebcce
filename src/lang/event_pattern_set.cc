// The automaton. A state is what is known of an event so far; its steps are the next paths that patterns look at; an edge of a
// step is a set of conditions, any of which leads on. Branches of patterns that begin alike share states, so that
// {"source": ["a"], ...} is looked at once for all patterns that ask it. States form a tree.
#include <algorithm>
#include <set>

#include "lang/event_index.h"
#include "lang/event_pattern.h"
#include "lang/event_program.h"

namespace lambari::lang {
namespace event {

struct State;

struct Edge {
  Conditions conditions;
  std::uint32_t uses = 0;  // branches of patterns
  std::unique_ptr<State> to;
};

struct ByContent {
  bool operator()(const Conditions& a, const Conditions& b) const { return *a < *b; }
};

struct Step {
  Index index;
  std::map<Conditions, std::unique_ptr<Edge>, ByContent> edges;
  std::vector<Edge*> when_absent;
};

struct State {
  std::unordered_map<PathId, Step> steps;
  std::set<PathId> absences;  // steps with edges for an absent field
  std::vector<EventPatternSet::Id> accepts;
};

bool may_be_absent(const Edge& edge) {
  return std::any_of(edge.conditions->begin(), edge.conditions->end(),
                     [](const Condition& c) { return c.kind == Condition::Kind::absent; });
}

}  // namespace event

using event::Edge;
using event::State;

struct EventPatternSet::Automaton {
  event::Paths paths;
  State root;
  std::unordered_map<Id, std::shared_ptr<const event::Program>> programs;

  void add(Id id, const event::Branch& branch);
  void remove(Id id, const event::Branch& branch, State& state, std::size_t field);
};

void EventPatternSet::Automaton::add(Id id, const event::Branch& branch) {
  State* state = &root;
  for (const auto& field : branch) {
    const auto path = paths.add(field.path);
    auto& step = state->steps[path];
    auto& edge = step.edges[field.conditions];
    if (!edge) {
      edge = std::make_unique<Edge>();
      edge->conditions = field.conditions;
      edge->to = std::make_unique<State>();
      for (const auto& condition : *edge->conditions) step.index.add(condition, edge.get());
      if (may_be_absent(*edge)) {
        step.when_absent.push_back(edge.get());
        state->absences.insert(path);
      }
    }
    ++edge->uses;
    state = edge->to.get();
  }
  state->accepts.push_back(id);
}

void EventPatternSet::Automaton::remove(Id id, const event::Branch& branch, State& state, std::size_t field) {
  if (field == branch.size()) {
    auto found = std::find(state.accepts.begin(), state.accepts.end(), id);
    *found = state.accepts.back();
    state.accepts.pop_back();
    return;
  }
  const auto path = paths.find(branch[field].path)->id;
  auto& step = state.steps.at(path);
  auto found = step.edges.find(branch[field].conditions);
  Edge& edge = *found->second;
  remove(id, branch, *edge.to, field + 1);
  paths.remove(branch[field].path);
  if (--edge.uses > 0) return;
  for (const auto& condition : *edge.conditions) step.index.remove(condition, &edge);
  std::erase(step.when_absent, &edge);
  if (step.when_absent.empty()) state.absences.erase(path);
  step.edges.erase(found);
  if (step.edges.empty()) state.steps.erase(path);
}

namespace {

// One event's way through the automaton. Arrays of objects can multiply the ways; beyond 300,000 looks at values the rest is
// not looked for.
class Run {
 public:
  explicit Run(const event::Values& values) : values_(values) {}

  void visit(const State& state, const event::Place& place) {
    found.insert(found.end(), state.accepts.begin(), state.accepts.end());
    for (const auto path : state.absences)
      if (auto [first, last] = values_.at(path); first == last)
        for (const Edge* edge : state.steps.at(path).when_absent) go(*edge, place);
    const auto& all = values_.all();
    if (state.steps.size() * 4 < all.size()) {
      for (const auto& [path, step] : state.steps) {
        auto [first, last] = values_.at(path);
        take(step, first, last, place);
      }
      return;
    }
    for (std::size_t i = 0; i < all.size();) {
      auto end = i + 1;
      while (end < all.size() && all[end].path == all[i].path) ++end;
      if (auto step = state.steps.find(all[i].path); step != state.steps.end())
        take(step->second, all.data() + i, all.data() + end, place);
      i = end;
    }
  }

  std::vector<EventPatternSet::Id> found;

 private:
  void take(const event::Step& step, const event::Value* first, const event::Value* last, const event::Place& place) {
    std::vector<Edge*> edges;
    event::Place both;
    for (; first != last && looks_ > 0; ++first) {
      --looks_;
      if (!event::merge(place, first->place, both)) continue;
      edges.clear();
      step.index.find(first->scalar, edges);
      if (edges.size() > 1) {
        std::sort(edges.begin(), edges.end());
        edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
      }
      for (const Edge* edge : edges) go(*edge, both);
    }
  }

  void go(const Edge& edge, const event::Place& place) {
    if (!values_.plain() && !seen_.emplace(edge.to.get(), place).second) return;
    visit(*edge.to, place);
  }

  const event::Values& values_;
  std::set<std::pair<const State*, event::Place>> seen_;
  std::size_t looks_ = 300'000;
};

}  // namespace

EventPatternSet::EventPatternSet() : automaton_(std::make_unique<Automaton>()) {}
EventPatternSet::~EventPatternSet() = default;
EventPatternSet::EventPatternSet(EventPatternSet&&) noexcept = default;
EventPatternSet& EventPatternSet::operator=(EventPatternSet&&) noexcept = default;

void EventPatternSet::add(Id id, const EventPattern& pattern) {
  remove(id);
  for (const auto& branch : pattern.program_->branches) automaton_->add(id, branch);
  automaton_->programs.emplace(id, pattern.program_);
}

bool EventPatternSet::remove(Id id) {
  auto found = automaton_->programs.find(id);
  if (found == automaton_->programs.end()) return false;
  for (const auto& branch : found->second->branches) automaton_->remove(id, branch, automaton_->root, 0);
  automaton_->programs.erase(found);
  return true;
}

std::size_t EventPatternSet::size() const { return automaton_->programs.size(); }

std::vector<EventPatternSet::Id> EventPatternSet::match(const base::json::value& event) const {
  if (!event.is_object()) return {};
  const event::Values values(event, automaton_->paths);
  Run run(values);
  run.visit(automaton_->root, {});
  std::sort(run.found.begin(), run.found.end());
  run.found.erase(std::unique(run.found.begin(), run.found.end()), run.found.end());
  return std::move(run.found);
}

}  // namespace lambari::lang
