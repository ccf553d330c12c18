//! The pipelines of the simulation: some that are written, and random ones; some invoke others, which invoke a third.

use engine::pipeline::Mode;
use formats::pipeline::PipelineDeclaration;

use crate::pipeline_declare::declare_all;
use crate::rng::Rng;

const PIPELINES: [&str; 7] = [
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
];

/// The first pipeline, and those that its actions invoke: `child`, which invokes `leaf`, and `leaf`.
pub fn any_pipelines(rng: &mut Rng) -> Vec<PipelineDeclaration> {
    let stages = match rng.chance(50) {
        true => PIPELINES[rng.below(PIPELINES.len())].to_owned(),
        false => random_stages(rng),
    };
    let mut text = of_mode(any_mode(rng), &stages);
    if stages.contains(" Pipeline ") {
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

fn of_mode(mode: Mode, stages: &str) -> String {
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
            lines.push(match rng.below(10) {
                0 | 1 => format!("action A{action} Manual order={order}"),
                2 | 3 => format!("action A{action} S3 in=S{source} order={order}"),
                4 | 5 => format!("action A{action} Worker in=S{source} out=O{stage}{action} order={order}"),
                6 => format!("action A{action} Pipeline PipelineName={invoked} HeadworksWait={waits} order={order}"),
                _ => format!("action A{action} CodeBuild in=S{source} out=O{stage}{action} order={order}"),
            });
        }
    }
    lines.join("\n")
}

fn rule(rng: &mut Rng) -> String {
    let rules = [
        "rule L LambdaInvoke FunctionName=f",
        "rule B CodeBuild ProjectName=p in=S0",
        "rule V VariableCheck Variable=#{N0.Sometimes} Operator=NE Value=x",
    ];
    rules[rng.below(rules.len())].to_owned()
}
