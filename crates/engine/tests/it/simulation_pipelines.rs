//! The pipelines of the simulation: some that are written, and random ones; some invoke others, which invoke a third.

use engine::pipeline::Mode;
use formats::pipeline::PipelineDeclaration;

use crate::pipeline_declare::declare_all;
use crate::rng::Rng;

const PIPELINES: [&str; 11] = [
    "stage Source
action Src CodeCommit out=Src ns=Source
stage Build
action Compile CodeBuild in=Src out=App
stage Ship
action Ok Manual
action Put S3 in=App order=2",
    "stage Source
action One CodeCommit out=One
action Two S3Source out=Two
stage Build
action Unit CodeBuild in=One
action Lint CodeBuild in=Two
action Pack CodeBuild in=One,Two PrimarySource=One out=App order=2
stage Check
action Ok Manual timeout=60
stage Ship
action Put S3 in=App",
    "stage Source
action Src CodeCommit out=Src ns=Source
stage Build
action Compile CodeBuild in=Src EnvironmentVariables=[{\"name\":\"A\",\"value\":\"#{Source.Sometimes}\"}]",
    "stage Source
on-failure RETRY ALL_ACTIONS
action Src CodeCommit out=Src ns=Source
stage Ship
on-failure ROLLBACK
action Put S3 in=Src ObjectKey=#{Source.Sometimes}
stage Build
on-failure RETRY FAILED_ACTIONS
action Unit CodeBuild in=Src
action Lint CodeBuild in=Src",
    "stage Source
condition beforeEntry FAIL
rule L LambdaInvoke FunctionName=f
action Src CodeCommit out=Src ns=Source
stage Build
condition beforeEntry SKIP
rule V VariableCheck Variable=#{Source.Sometimes} Operator=EQ Value=x
condition onSuccess ROLLBACK
rule B CodeBuild ProjectName=p in=Src
rule L LambdaInvoke FunctionName=f
action Compile CodeBuild in=Src
stage Ship
condition beforeEntry FAIL
rule W DeploymentWindow Cron=*~*~*~?~*~MON-SAT
rule B CodeBuild ProjectName=p in=Src timeout=60
condition onFailure FAIL
rule A CloudWatchAlarm AlarmName=a
action Put S3 in=Src
stage Last
condition onFailure ROLLBACK
rule A CloudWatchAlarm AlarmName=a
action Put S3 in=Src",
    "stage Source
action Src CodeCommit out=Src ns=Source
stage Build
on-failure RETRY FAILED_ACTIONS
action Make Worker in=Src out=App ns=Made
action Check Worker in=Src
stage Ship
action Put S3 in=App ObjectKey=#{Made.Sometimes}",
    "stage Source
action Src CodeCommit out=Src
stage Build
on-failure RETRY ALL_ACTIONS
action Child Pipeline PipelineName=child HeadworksWait=true
action Leaf Pipeline PipelineName=leaf HeadworksWait=true
action Aside Pipeline PipelineName=leaf HeadworksWait=false order=2
stage Ship
action Put S3 in=Src",
    "stage Source
action Src CodeCommit out=Src ns=N0
stage Build
on-failure RETRY FAILED_ACTIONS
action Unit Worker in=Src ns=Unit Target=unit-#{matrix.value} HeadworksMatrix=[\"1\",\"2\",\"3\"]
action Put S3 in=Src ObjectKey=#{Unit.Sometimes} order=2
stage Deep
action Go Pipeline HeadworksMatrix=[\"child\",\"leaf\"] PipelineName=#{matrix.value} HeadworksWait=true",
    "stage Source
action Src CodeCommit out=Src ns=N0
stage Check
action Scan CodeBuild in=Src ns=Scan HeadworksMatrixFile=Src::m.json ProjectName=scan-#{matrix.value}
action Hand Worker in=Src HeadworksMatrix={\"Os\":[\"a\",\"b\"],\"n\":[\"1\",\"2\"]} Target=#{matrix.Os}
action Put S3 in=Src ObjectKey=#{Scan.V} order=2",
    "stage Source
action Src CodeCommit out=Src ns=N0
stage Plan
on-failure RETRY FAILED_ACTIONS
action Bring Pipeline in=Src HeadworksDefinition=Src::plan.json
action Fan Pipeline in=Src HeadworksDefinition=Src::#{matrix.value}.json HeadworksMatrix=[\"eu\",\"us\"]
stage Ship
action Aside Pipeline in=Src HeadworksDefinition=Src::aside.json HeadworksWait=false
action Put S3 in=Src",
    "stage Source
action Src CodeCommit out=Src ns=N0
stage Approve
action Two Manual HeadworksQuorum=2 HeadworksSelfApproval=false
action Named Manual HeadworksRevision=#{N0.Sometimes} timeout=60
action Other Manual HeadworksQuorum=4
action Compile Worker in=Src
stage Ship
on-failure ROLLBACK
action Ok Manual HeadworksQuorum=3 timeout=60
action Put S3 in=Src order=2",
];

/// The first pipeline, and those that its actions invoke: `child`, which invokes `leaf`, and `leaf`.
pub fn any_pipelines(rng: &mut Rng) -> Vec<PipelineDeclaration> {
    let stages = match rng.chance(50) {
        true => PIPELINES[rng.below(PIPELINES.len())].to_owned(),
        false => random_stages(rng),
    };
    let mut text = of_mode(any_mode(rng), &stages);
    if stages.contains("PipelineName=") {
        let waits = if rng.chance(80) { "true" } else { "false" };
        let on_failure = ["", "on-failure RETRY FAILED_ACTIONS\n", "on-failure ROLLBACK\n"][rng.below(3)];
        let child = format!(
            "stage Source
action Src CodeCommit out=Src
stage Deep
{on_failure}action Do Worker in=Src
action Leaf Pipeline PipelineName=leaf HeadworksWait={waits}"
        );
        let leaf = "stage Source
action Src S3Source out=Src
stage Work
action Do Worker in=Src
action Ok Manual timeout=60";
        text += &format!(
            "\npipeline child\n{}\npipeline leaf\n{}",
            of_mode(any_mode(rng), &child),
            of_mode(any_mode(rng), leaf)
        );
    }
    declare_all(text.lines())
}

pub fn any_mode(rng: &mut Rng) -> Mode {
    [Mode::Superseded, Mode::Queued, Mode::Parallel][rng.below(3)]
}

pub fn of_mode(mode: Mode, stages: &str) -> String {
    let stages = if mode == Mode::Parallel { stages.replace("ROLLBACK", "FAIL") } else { stages.to_owned() };
    format!("mode {}\n{stages}", mode.as_str())
}

/// Two to four stages of one to three actions, with conditions and wishes for failures as they fall.
fn random_stages(rng: &mut Rng) -> String {
    let mut lines = vec!["stage Source".to_owned()];
    let sources = 1 + rng.below(2);
    for n in 0..sources {
        let provider = ["CodeCommit", "S3Source"][rng.below(2)];
        lines.push(format!("action S{n} {provider} out=S{n} ns=N{n}"));
    }
    for stage in 1..=1 + rng.below(3) {
        lines.push(format!("stage T{stage}"));
        match rng.below(8) {
            0 => lines.push("on-failure RETRY FAILED_ACTIONS".to_owned()),
            1 => lines.push("on-failure RETRY ALL_ACTIONS".to_owned()),
            2 => lines.push("on-failure ROLLBACK".to_owned()),
            3 => lines.extend(["condition onFailure ROLLBACK".to_owned(), rule(rng)]),
            _ => {}
        }
        match rng.below(6) {
            0 => lines.extend(["condition beforeEntry FAIL".to_owned(), rule(rng)]),
            1 => {
                let skip = "rule V VariableCheck Variable=#{N0.Sometimes} Operator=EQ Value=x";
                lines.extend(["condition beforeEntry SKIP".to_owned(), skip.to_owned()]);
            }
            2 => lines.extend(["condition onSuccess FAIL".to_owned(), rule(rng)]),
            _ => {}
        }
        for action in 0..=rng.below(3) {
            let (order, source) = (1 + rng.below(2), rng.below(sources));
            let invoked = ["child", "leaf"][rng.below(2)];
            let waits = rng.below(4) > 0;
            lines.push(match rng.below(13) {
                0 | 1 => format!("action A{action} Manual order={order}{}", any_guard(rng, &lines)),
                2 | 3 => format!("action A{action} S3 in=S{source} order={order}"),
                4 | 5 => format!("action A{action} Worker in=S{source} out=O{stage}{action} order={order}"),
                6 => format!("action A{action} Pipeline PipelineName={invoked} HeadworksWait={waits} order={order}"),
                7 => {
                    let kind = ["Worker", "CodeBuild"][rng.below(2)];
                    format!("action A{action} {kind} in=S{source} order={order} {}", any_matrix(rng, source))
                }
                8 if rng.chance(30) => {
                    format!("action B{stage}{action} Pipeline in=S{source} order={order} {}", any_plans(rng, source))
                }
                _ => format!("action A{action} CodeBuild in=S{source} out=O{stage}{action} order={order}"),
            });
        }
    }
    lines.join("\n")
}

/// What an approval asks for beyond a yes.
fn any_guard(rng: &mut Rng, lines: &[String]) -> String {
    let mut guard = ["", " HeadworksQuorum=2", " HeadworksQuorum=3"][rng.below(3)].to_owned();
    // Of other sources nobody knows who pushed them.
    if rng.chance(40) && lines.iter().any(|line| line.contains(" CodeCommit ")) {
        guard += " HeadworksSelfApproval=false";
    }
    if rng.chance(20) {
        guard += " HeadworksRevision=#{N0.Sometimes}";
    }
    guard
}

/// The last two have two runs that are the same, or are none, as a source has it.
fn any_matrix(rng: &mut Rng, source: usize) -> String {
    match rng.below(5) {
        0 => "HeadworksMatrix=[\"1\",\"2\"]".to_owned(),
        1 => "HeadworksMatrix={\"a\":[\"1\",\"2\"],\"b\":[\"x\",\"y\"]}".to_owned(),
        2 => format!("HeadworksMatrixFile=S{source}::m.json"),
        3 => "HeadworksMatrix=#{N0.List}".to_owned(),
        _ => "HeadworksMatrix=[\"#{N0.Sometimes}\",\"another\"]".to_owned(),
    }
}

/// The definition of a pipeline for each run of a matrix, or one.
fn any_plans(rng: &mut Rng, source: usize) -> String {
    let wait = if rng.chance(30) { " HeadworksWait=false" } else { "" };
    match rng.below(3) {
        0 => format!("HeadworksDefinition=S{source}::a.json {}{wait}", any_matrix(rng, source)),
        _ => format!("HeadworksDefinition=S{source}::b.json{wait}"),
    }
}

fn rule(rng: &mut Rng) -> String {
    let rules = [
        "rule L LambdaInvoke FunctionName=f",
        "rule B CodeBuild ProjectName=p in=S0",
        "rule V VariableCheck Variable=#{N0.Sometimes} Operator=NE Value=x",
    ];
    rules[rng.below(rules.len())].to_owned()
}
