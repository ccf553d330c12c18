//! The kinds of git servers.

use engine::webhook::Format;

/// The model's `ProviderType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionProvider {
    Bitbucket,
    GitHub,
    GitHubEnterpriseServer,
    GitLab,
    GitLabSelfManaged,
}

impl ConnectionProvider {
    /// The provider of this name.
    pub fn parse(text: &str) -> Option<Self> {
        use ConnectionProvider::{Bitbucket, GitHub, GitHubEnterpriseServer, GitLab, GitLabSelfManaged};
        let all = [Bitbucket, GitHub, GitHubEnterpriseServer, GitLab, GitLabSelfManaged];
        all.into_iter().find(|provider| provider.as_str() == text)
    }

    /// As the model spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            ConnectionProvider::Bitbucket => "Bitbucket",
            ConnectionProvider::GitHub => "GitHub",
            ConnectionProvider::GitHubEnterpriseServer => "GitHubEnterpriseServer",
            ConnectionProvider::GitLab => "GitLab",
            ConnectionProvider::GitLabSelfManaged => "GitLabSelfManaged",
        }
    }

    /// The server's URL when it is not somebody's own.
    pub const fn public_endpoint(self) -> Option<&'static str> {
        match self {
            ConnectionProvider::Bitbucket => Some("https://bitbucket.org"),
            ConnectionProvider::GitHub => Some("https://github.com"),
            ConnectionProvider::GitLab => Some("https://gitlab.com"),
            ConnectionProvider::GitHubEnterpriseServer | ConnectionProvider::GitLabSelfManaged => None,
        }
    }

    /// CodeBuild's name for such servers, under which source credentials are imported.
    pub const fn server_type(self) -> &'static str {
        match self {
            ConnectionProvider::Bitbucket => "BITBUCKET",
            ConnectionProvider::GitHub => "GITHUB",
            ConnectionProvider::GitHubEnterpriseServer => "GITHUB_ENTERPRISE",
            ConnectionProvider::GitLab => "GITLAB",
            ConnectionProvider::GitLabSelfManaged => "GITLAB_SELF_MANAGED",
        }
    }

    /// How its deliveries look.
    pub const fn format(self) -> Format {
        match self {
            ConnectionProvider::Bitbucket => Format::Bitbucket,
            ConnectionProvider::GitHub | ConnectionProvider::GitHubEnterpriseServer => Format::GitHub,
            ConnectionProvider::GitLab | ConnectionProvider::GitLabSelfManaged => Format::GitLab,
        }
    }
}
